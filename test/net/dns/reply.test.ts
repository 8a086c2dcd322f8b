import { encode, type Packet } from 'dns-packet'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { systemRandom } from '../../../src/kernel/random.ts'
import { answers, writeQuery } from '../../../src/net/dns/query.ts'
import { readReply } from '../../../src/net/dns/reply.ts'

const NAME = '_sips._tcp.example'
const REPLY: Packet = {
  type: 'response',
  id: 4711,
  flags: 0x80,
  questions: [{ name: NAME, type: 'SRV' }],
  answers: [
    { type: 'CNAME', name: NAME, ttl: 60, data: 'other.example' },
    { type: 'SRV', name: 'other.example', ttl: 60, data: { port: 5061, target: 'edge.example' } },
  ],
  authorities: [{ type: 'NS', name: 'example', ttl: 60, data: 'ns.example' }],
  additionals: [{ type: 'A', name: 'edge.example', ttl: 60, data: '192.0.2.1' }],
}
const KINDS = ['records', 'none', 'alias', 'truncated', 'no-edns', 'failed']

test('whatever comes, it is read as something, and quickly', () => {
  const honest = encode(REPLY)
  const change = fc.record({ at: fc.nat(honest.length - 1), octet: fc.nat(255) })
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 12 }),
      fc.nat(honest.length),
      fc.uint8Array({ maxLength: 64 }),
      (changes, cut, tail) => {
        const bytes = Buffer.concat([honest.subarray(0, Math.max(12, cut)), tail])
        for (const { at, octet } of changes) if (at < bytes.length) bytes[at] = octet
        const reading = readReply(bytes, NAME, 'SRV', 200)
        expect(KINDS).toContain(reading.kind)
        if (reading.kind !== 'records') return
        for (const { target } of reading.records) expect(target).toMatch(/^(?:\.|[a-z0-9_.-]+)$/)
      },
    ),
    { numRuns: 3_000 },
  )
})

test('every cut of an answer is malformed, never a part of its records', () => {
  const honest = encode(REPLY)
  for (let length = 12; length < honest.length; length++)
    expect(readReply(honest.subarray(0, length), NAME, 'SRV', 200), `${length} octets`).toEqual({
      kind: 'failed',
      reason: 'malformed',
    })
  expect(readReply(honest, NAME, 'SRV', 200).kind).toBe('records')
})

test('a name that points to itself ends', () => {
  const head = encode({ ...REPLY, answers: [], authorities: [], additionals: [] })
  head.writeUInt16BE(1, 6)
  const pointer = Buffer.from([0xc0 | (head.length >> 8), head.length & 0xff])
  const record = Buffer.concat([pointer, Buffer.from('002100010000003c0000', 'hex')])
  expect(readReply(Buffer.concat([head, record]), NAME, 'SRV', 200)).toEqual({
    kind: 'failed',
    reason: 'malformed',
  })
})

test('an answer must repeat identifier and question', () => {
  const query = writeQuery(NAME, 'SRV', true, systemRandom)
  const id = Buffer.from(query.bytes).readUInt16BE(0)
  const reply = (change: Partial<Packet>): Buffer => encode({ ...REPLY, id, ...change })
  expect(answers(query, reply({}))).toBe(true)
  expect(answers(query, reply({ id: id ^ 1 }))).toBe(false)
  expect(answers(query, reply({ type: 'query' }))).toBe(false)
  expect(answers(query, reply({ questions: [] }))).toBe(false)
  expect(answers(query, reply({ questions: [{ name: NAME, type: 'A' }] }))).toBe(false)
  expect(answers(query, reply({ questions: [{ name: NAME, type: 'SRV', class: 'CH' }] }))).toBe(false)
  expect(answers(query, reply({ questions: [{ name: '_sips._tcp.examplf', type: 'SRV' }] }))).toBe(false)
  expect(answers(query, Buffer.alloc(0))).toBe(false)
  expect(answers(query, reply({}).subarray(0, query.questionEnd - 1))).toBe(false)
})
