/** RFC 3428 §8: octets of a whole MESSAGE request outside a session. */
export const MESSAGE_LIMIT = 1300

/** @param octets of a whole request, start line to body */
export const exceedsMessageLimit = (octets: number): boolean => octets > MESSAGE_LIMIT

export interface TooLarge {
  readonly kind: 'refuse'
  readonly condition: 'policy-violation'
  readonly text: string
}

/**
 * Whether a request may go as it is; undefined means yes (RFC 3428 §8, RFC 7572 §6).
 *
 * @param octets of the request as it would be sent, start line to body
 * @param congestionSafePath every hop is known to use a congestion-controlled transport
 */
export function sizeRefusal(octets: number, congestionSafePath: boolean): TooLarge | undefined {
  if (congestionSafePath || !exceedsMessageLimit(octets)) return undefined
  return {
    kind: 'refuse',
    condition: 'policy-violation',
    text: `Message too long: ${octets} octets with its headers, at most ${MESSAGE_LIMIT} can be sent`,
  }
}
