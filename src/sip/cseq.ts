import { err, ok, type Result } from '../kernel/result.ts'

export interface CSeq {
  /** 0 to 2³²−1. */
  readonly number: number
  readonly method: string
}

export type CSeqError = 'bad-cseq'

const CSEQ = /^([0-9]+)[ \t]+([A-Za-z0-9\-.!%*_+`'~]+)$/

/** RFC 3261 §20.16. What we send stays below 2³¹ (§8.1.1.5); from others every 32-bit number is read. */
export function parseCSeq(value: string): Result<CSeq, CSeqError> {
  const match = CSEQ.exec(value)
  if (match === null) return err('bad-cseq')
  const number = Number(match[1])
  return number <= 0xffff_ffff ? ok({ number, method: match[2] as string }) : err('bad-cseq')
}
