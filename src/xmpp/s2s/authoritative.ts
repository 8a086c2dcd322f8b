import { type Domain, unicodeOf } from '../../kernel/domain.ts'
import { answerTo, failed, type VerifyAnswer, type VerifyRequest } from './dialback.ts'
import type { DialbackKeys } from './dialback-key.ts'

export interface Authority {
  /** Is this one of our domains? */
  readonly serves: (domain: Domain) => boolean
  readonly keys: DialbackKeys
}

/**
 * Our key for a stream from `sender` to `target`, whose header gave `streamId`. Made over canonical names, so that it is known again
 * however a peer spells them when it asks.
 */
export const keyFor = (keys: DialbackKeys, sender: Domain, target: Domain, streamId: string): string =>
  keys.of({ receiving: unicodeOf(target), originating: unicodeOf(sender), streamId })

/**
 * The authoritative server (XEP-0220 §2.2.2): was this key made here? It remembers nothing and asks nobody: one short element for
 * one, on the stream that asked.
 */
export function verifyAnswer(request: VerifyRequest, { serves, keys }: Authority): VerifyAnswer {
  const { from, to, id, key } = request
  if (!serves(to.domain)) return answerTo(request, failed('item-not-found'))
  const made = keys.made(key, {
    receiving: unicodeOf(from.domain),
    originating: unicodeOf(to.domain),
    streamId: id,
  })
  return answerTo(request, { type: made ? 'valid' : 'invalid' })
}
