import { type Answer, encode, RECURSION_DESIRED } from 'dns-packet'
import type { Random } from '../../kernel/random.ts'
import type { RecordType } from './answer.ts'

/** What a UDP answer may have without being cut (RFC 6891 §6.2.5), so small that it is not fragmented. */
const UDP_PAYLOAD = 1232
const HEADER = 12
/** Root name, type, class, TTL, and no data. */
const OPT_OCTETS = 11

const OPT: Answer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: UDP_PAYLOAD,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
}

/** One question under one identifier, as it goes to one server. */
export interface Query {
  readonly bytes: Uint8Array
  /** From the header to the end of the question, which an answer must repeat. */
  readonly questionEnd: number
}

/** @param edns false for servers that do not understand RFC 6891 */
export function writeQuery(name: string, type: RecordType, edns: boolean, random: Random): Query {
  // Three characters of six bits each: unpredictable, as RFC 5452 §4.3 wants it.
  const id = Buffer.from(random.token(3), 'base64url').readUInt16BE()
  const bytes = encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions: [{ name, type }],
    additionals: edns ? [OPT] : [],
  })
  return { bytes, questionEnd: edns ? bytes.length - OPT_OCTETS : bytes.length }
}

/**
 * Is it an answer to this query (RFC 5452 §9.1)? Identifier, direction, opcode, and the question octet by octet:
 * nothing comes before it, so it cannot be compressed.
 */
export function answers(query: Query, reply: Uint8Array): boolean {
  if (reply.length < query.questionEnd) return false
  const sent = query.bytes
  if (reply[0] !== sent[0] || reply[1] !== sent[1]) return false
  if (((reply[2] as number) & 0xf8) !== 0x80) return false
  if (reply[4] !== 0 || reply[5] !== 1) return false
  for (let i = HEADER; i < query.questionEnd; i++)
    if (lower(reply[i] as number) !== lower(sent[i] as number)) return false
  return true
}

const lower = (octet: number): number => (octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet)
