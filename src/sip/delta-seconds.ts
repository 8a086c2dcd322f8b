const DELTA = /^[0-9]{1,10}$/
const MAX = 0xffff_ffff

/** `delta-seconds`: 0 to 2³²−1 (RFC 3261 §20.19, §25.1); undefined for anything else. */
export function parseDeltaSeconds(text: string): number | undefined {
  const seconds = DELTA.test(text) ? Number(text) : Number.NaN
  return seconds <= MAX ? seconds : undefined
}
