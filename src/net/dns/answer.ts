/** RFC 2782. */
export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly port: number
  /** Lower case, without final dot; `.` where the service is decidedly not available. */
  readonly target: string
}

/** RFC 3403 §4.1. */
export interface NaptrRecord {
  readonly order: number
  readonly preference: number
  readonly flags: string
  readonly services: string
  readonly regexp: string
  /** Lower case, without final dot; `.` where there is none. */
  readonly replacement: string
}

/** What a record of each type holds. A and AAAA: an IP literal without brackets. */
export interface RecordOf {
  A: string
  AAAA: string
  SRV: SrvRecord
  NAPTR: NaptrRecord
}

export type RecordType = keyof RecordOf

/**
 * `none`: looked, and there is none (NXDOMAIN, or the name has no such records). `failed`: could not find out, and
 * nothing may be concluded from it. Times to live are seconds, those that are left of a cached answer.
 */
export type Answer<T> =
  | { readonly kind: 'records'; readonly records: readonly T[]; readonly ttl: number }
  | None
  | Failed

export interface None {
  readonly kind: 'none'
  readonly ttl: number
}

export interface Failed {
  readonly kind: 'failed'
  readonly reason: string
}

/**
 * Names are host names or names with underscores, of any case, with or without final dot; nothing is appended to them.
 * An aborted signal rejects with its own reason; nothing else rejects.
 */
export interface Lookups {
  srv(name: string, signal?: AbortSignal): Promise<Answer<SrvRecord>>
  naptr(name: string, signal?: AbortSignal): Promise<Answer<NaptrRecord>>
  a(name: string, signal?: AbortSignal): Promise<Answer<string>>
  aaaa(name: string, signal?: AbortSignal): Promise<Answer<string>>
}
