import { isIPv4, isIPv6 } from 'node:net'
import { type Answer as AnyRecord, type DecodedPacket, decode } from 'dns-packet'
import type { NaptrRecord, RecordOf, RecordType, SrvRecord } from './answer.ts'
import { dnsName } from './name.ts'

/** What one answer of one server says. */
export type Reading<T> =
  | { readonly kind: 'records'; readonly records: readonly T[]; readonly ttl: number }
  | { readonly kind: 'none'; readonly ttl: number }
  /** An alias whose records this answer does not hold. */
  | { readonly kind: 'alias'; readonly name: string; readonly ttl: number }
  /** Its body was cut: ask again over TCP. */
  | { readonly kind: 'truncated' }
  /** This server does not understand the query as it was written (RFC 6891 §7). */
  | { readonly kind: 'no-edns' }
  | { readonly kind: 'failed'; readonly reason: Fault }

/** Why the answer of a server says nothing. */
export type Fault = 'server-failure' | 'refused' | 'lame' | 'malformed' | 'oversized' | 'alias-loop'

/** Octets of the header that are read without looking further (RFC 1035 §4.1.1). */
const TC = 0x02
const RCODE = 0x0f
const NOERROR = 0
const FORMERR = 1
const SERVFAIL = 2
const NXDOMAIN = 3
const NOTIMP = 4

/** Aliases that are followed within one answer. */
const MOST_ALIASES = 8

/** Whatever a packet holds is a peer's: each reader gives undefined for what cannot be used. */
const READERS: { readonly [T in RecordType]: (data: unknown) => RecordOf[T] | undefined } = {
  A: (data) => (typeof data === 'string' && isIPv4(data) ? data : undefined),
  AAAA: (data) => (typeof data === 'string' && isIPv6(data) ? data : undefined),
  SRV: (data) => {
    const { priority, weight, port, target: text } = data as SrvRecord
    const target = text === '.' ? text : dnsName(text)
    return target === undefined ? undefined : { priority, weight, port, target }
  },
  NAPTR: (data) => {
    const { order, preference, flags, services, regexp, replacement: text } = data as NaptrRecord
    const replacement = text === '.' ? text : dnsName(text)
    return replacement === undefined ? undefined : { order, preference, flags, services, regexp, replacement }
  },
}

/**
 * Reads an answer that belongs to its query.
 * @param limit records in all sections together; an answer with more is not read
 */
export function readReply<T extends RecordType>(
  reply: Uint8Array,
  name: string,
  type: T,
  limit: number,
): Reading<RecordOf[T]> {
  if (((reply[2] as number) & TC) !== 0) return { kind: 'truncated' }
  const rcode = (reply[3] as number) & RCODE
  switch (rcode) {
    case NOERROR:
    case NXDOMAIN:
      break
    case FORMERR:
    case NOTIMP:
      return { kind: 'no-edns' }
    default:
      return failed(rcode === SERVFAIL ? 'server-failure' : 'refused')
  }
  const view = Buffer.from(reply.buffer, reply.byteOffset, reply.length)
  if (view.readUInt16BE(6) + view.readUInt16BE(8) + view.readUInt16BE(10) > limit) return failed('oversized')
  const packet = unpack(view)
  return packet === undefined ? failed('malformed') : readSections(packet, name, type, rcode)
}

const failed = (reason: Fault): { kind: 'failed'; reason: Fault } => ({ kind: 'failed', reason })

/** The decoder throws at names that point forward and at most of what is cut off; it reads addresses beyond the end. */
function unpack(bytes: Buffer): DecodedPacket | undefined {
  try {
    const packet = decode(bytes)
    return decode.bytes > bytes.length ? undefined : packet
  } catch {
    return undefined
  }
}

function readSections<T extends RecordType>(
  packet: DecodedPacket,
  asked: string,
  type: T,
  rcode: number,
): Reading<RecordOf[T]> {
  const answers = (packet.answers ?? []).filter((record) => 'class' in record && record.class === 'IN')
  let name = asked
  let ttl = Number.POSITIVE_INFINITY
  for (let followed = 0; ; followed++) {
    const own = answers.filter((record) => record.type === type && dnsName(record.name) === name)
    if (own.length > 0) return recordsOf(own, type, Math.min(ttl, ...own.map(ttlOf)))
    const alias = answers.find((record) => record.type === 'CNAME' && dnsName(record.name) === name)
    if (alias === undefined) break
    const next = dnsName((alias as { data: string }).data)
    if (next === undefined) return failed('malformed')
    if (followed === MOST_ALIASES) return failed('alias-loop')
    name = next
    ttl = Math.min(ttl, ttlOf(alias))
  }
  // NXDOMAIN is about the end of the chain (RFC 2308 §2.1), and so is the SOA of an answer without data (§2.2).
  const soa = (packet.authorities ?? []).find((record) => record.type === 'SOA')
  if (soa !== undefined) {
    const minimum = Number((soa as { data: { minimum?: number } }).data.minimum ?? 0)
    return { kind: 'none', ttl: Math.min(ttl, ttlOf(soa), minimum) }
  }
  if (rcode === NXDOMAIN) return { kind: 'none', ttl: 0 }
  if (name !== asked) return { kind: 'alias', name, ttl }
  // A server that only knows whom else to ask (RFC 2308 §2.2): it has not looked.
  if ((packet.authorities ?? []).some((record) => record.type === 'NS')) return failed('lame')
  return { kind: 'none', ttl: 0 }
}

function recordsOf<T extends RecordType>(
  own: readonly AnyRecord[],
  type: T,
  ttl: number,
): Reading<RecordOf[T]> {
  const records: RecordOf[T][] = []
  for (const record of own) {
    const read = READERS[type]((record as { data: unknown }).data)
    if (read !== undefined) records.push(read)
  }
  return records.length === 0 ? failed('malformed') : { kind: 'records', records, ttl }
}

/** RFC 2181 §8: with the highest bit set it counts as zero. */
function ttlOf(record: AnyRecord): number {
  const ttl = 'ttl' in record ? (record.ttl ?? 0) : 0
  return ttl > 0x7fff_ffff ? 0 : ttl
}
