import { err, ok, type Result } from '../kernel/result.ts'
import { isToken, skipSpace } from './scan.ts'

export interface CSeq {
  /** 0 to 2³²−1. */
  readonly number: number
  readonly method: string
}

export type CSeqError = 'bad-cseq'

/** RFC 3261 §20.16. What we send stays below 2³¹ (§8.1.1.5); from others every 32-bit number is read. */
export function parseCSeq(value: string): Result<CSeq, CSeqError> {
  let number = 0
  let i = 0
  for (; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) break
    number = number * 10 + digit
  }
  const start = skipSpace(value, i)
  if (i === 0 || start === i || number > 0xffff_ffff) return err('bad-cseq')
  const method = value.slice(start)
  return isToken(method) ? ok({ number, method }) : err('bad-cseq')
}
