import { expect, test } from 'vitest'
import { AddressBook, addressOf } from '../../src/edge/address-book.ts'
import { Conversations } from '../../src/edge/conversations.ts'
import { Outstanding } from '../../src/edge/outstanding.ts'
import { OwnTags } from '../../src/edge/own-tags.ts'
import { callIdOfThread } from '../../src/interworking/thread.ts'
import { systemRandom } from '../../src/kernel/random.ts'
import { parseUri } from '../../src/sip/uri-parse.ts'
import { uriText } from '../../src/sip/uri-write.ts'
import { domain, must } from '../federation/fixtures.ts'
import { fakeTime } from '../kernel/fake-time.ts'
import { arrivalOf, JULIET, ROMEO, sipMessage } from './support.ts'

const HOUR = 3_600_000

function conversations(limit = 100) {
  const time = fakeTime()
  const tags = new OwnTags(systemRandom)
  const table = new Conversations({ limit, lifetime: HOUR, clock: time.clock, random: systemRandom, tags })
  const next = (thread: string | undefined, from = JULIET, to = ROMEO) =>
    table.next(from, to, thread, thread === undefined ? undefined : callIdOfThread(thread))
  return { table, time, next, tags }
}

test('conversations: a thread that fits is the Call-ID, and CSeq rises under one From tag', () => {
  const { next, table } = conversations()
  const first = next('e0ffe42b28561960c6b12b944a092794b9683a38')
  const second = next('e0ffe42b28561960c6b12b944a092794b9683a38')
  expect(first.callId).toBe('e0ffe42b28561960c6b12b944a092794b9683a38')
  // Between them there is room for the answers to challenges (RFC 3261 §22.2).
  expect(second).toEqual({ ...first, cseq: first.cseq + 10 })
  expect(table.threadOf(first.callId)).toBeUndefined()
})

test('conversations: without a thread each message stands alone', () => {
  const { next } = conversations()
  const [one, two] = [next(undefined), next(undefined)]
  expect(one.callId).not.toBe(two.callId)
  expect(one.fromTag).not.toBe(two.fromTag)
  expect([one.cseq, two.cseq]).toEqual([1, 1])
})

test('conversations: a thread that cannot be a Call-ID gets one, and comes back by it', () => {
  const { next, table } = conversations()
  const first = next('meet me at nine, ☂')
  expect(callIdOfThread(first.callId)).toBe(first.callId)
  expect(next('meet me at nine, ☂')).toEqual({ ...first, cseq: 11 })
  expect(table.threadOf(first.callId)).toBe('meet me at nine, ☂')
  expect(table.threadOf('some-other-call')).toBeUndefined()
})

test('conversations: the same thread between others is another conversation', () => {
  const { next } = conversations()
  next('t')
  expect(next('t', 'nurse@xmpp.example').cseq).toBe(1)
  expect(next('t', ROMEO, JULIET).cseq).toBe(1)
  expect(next('t').cseq).toBe(11)
})

test('conversations: an hour counts from the last message, for the way back too', () => {
  const { next, table, time } = conversations()
  const { callId } = next('two words')
  for (const cseq of [11, 21, 31]) {
    time.pass(HOUR - 1)
    expect(next('two words')).toMatchObject({ callId, cseq })
  }
  time.pass(HOUR - 1)
  expect(table.threadOf(callId)).toBe('two words')
  time.pass(1)
  expect(table.threadOf(callId)).toBeUndefined()
  expect(next('two words')).toMatchObject({ cseq: 1 })
})

test('conversations: what is pushed out begins anew, with another tag', () => {
  const { next } = conversations(10)
  const before = next('t0')
  for (let i = 1; i <= 10; i++) next(`t${i}`)
  const after = next('t0')
  expect(after.cseq).toBe(1)
  expect(after.fromTag).not.toBe(before.fromTag)
})

test('own tags: ours are known again, another process and others are not', () => {
  const tags = new OwnTags(systemRandom)
  const one = tags.next()
  expect(tags.next()).not.toBe(one)
  expect(one).toMatch(/^[A-Za-z0-9_-]{16,}$/)
  expect(tags.isOwn(sipMessage({ fromTag: one }))).toBe(true)
  expect(tags.isOwn(sipMessage({ fromTag: new OwnTags(systemRandom).next() }))).toBe(false)
  expect(tags.isOwn(sipMessage({ fromTag: 'f' }))).toBe(false)
  expect(tags.isOwn(sipMessage({ from: 'sip:romeo@sip.example' }))).toBe(false)
})

test('own tags: a reply in our conversation with the same CSeq is not ours', () => {
  const { next, tags } = conversations()
  const { callId, cseq, fromTag } = next('thread-1')
  expect(tags.isOwn(sipMessage({ callId, cseq, fromTag }))).toBe(true)
  expect(tags.isOwn(sipMessage({ callId, cseq, fromTag: 'romeos-own' }))).toBe(false)
})

const SENT_FROM = ROMEO
const SENT_TO = `${JULIET}/balcony`

function outstanding(limit = 100) {
  const time = fakeTime()
  const table = new Outstanding({ limit, lifetime: 60_000, clock: time.clock })
  const arrival = arrivalOf()
  table.add('id-1', { arrival, from: SENT_FROM, to: SENT_TO })
  return { time, table, arrival }
}

test('outstanding: an error is matched by its id and by its addresses, exchanged', () => {
  const { table, arrival } = outstanding()
  expect(table.match('id-1', SENT_TO, SENT_FROM)).toEqual({
    sent: { arrival, from: SENT_FROM, to: SENT_TO },
    late: false,
  })
})

test.for([
  ['another id', 'id-2', SENT_TO, SENT_FROM],
  ['somebody else who guessed the id', 'id-1', 'tybalt@xmpp.example/sword', SENT_FROM],
  ['the domain of the recipient', 'id-1', 'xmpp.example', SENT_FROM],
  ['to somebody else', 'id-1', SENT_TO, 'paris@sip.example'],
  ['not exchanged', 'id-1', SENT_FROM, SENT_TO],
  ['no id', '', SENT_TO, SENT_FROM],
] as const)('outstanding: no match for %s', ([, id, from, to]) => {
  const { table } = outstanding()
  expect(table.match(id, from, to)).toBeUndefined()
  expect(table.open).toBe(1)
  expect(table.match('id-1', SENT_TO, SENT_FROM)).toBeDefined()
})

test('outstanding: the server may answer for the account, without the resource', () => {
  const { table } = outstanding()
  expect(table.match('id-1', JULIET, `${ROMEO}/x`)).toBeDefined()
})

test('outstanding: ends once; a late error is matched once, while it is remembered', () => {
  const { table, time, arrival } = outstanding()
  const sent = { arrival, from: SENT_FROM, to: SENT_TO }
  expect(table.end('id-1')).toEqual(sent)
  expect(table.end('id-1')).toBeUndefined()
  expect(table.open).toBe(0)
  table.remember('id-1', sent)
  time.pass(59_999)
  expect(table.match('id-1', 'tybalt@xmpp.example', SENT_FROM)).toBeUndefined()
  expect(table.match('id-1', SENT_TO, SENT_FROM)?.late).toBe(true)
  expect(table.match('id-1', SENT_TO, SENT_FROM)).toBeUndefined()
})

test('outstanding: what need not be remembered is gone, and memory ends', () => {
  const forgotten = outstanding()
  forgotten.table.end('id-1')
  expect(forgotten.table.match('id-1', SENT_TO, SENT_FROM)).toBeUndefined()
  const { table, time, arrival } = outstanding()
  table.end('id-1')
  table.remember('id-1', { arrival, from: SENT_FROM, to: SENT_TO })
  time.pass(60_000)
  expect(table.match('id-1', SENT_TO, SENT_FROM)).toBeUndefined()
})

test('outstanding: the memory of ended ones is bounded', () => {
  const { table, arrival } = outstanding(5)
  for (let i = 0; i < 20; i++) {
    table.remember(`x${i}`, { arrival, from: SENT_FROM, to: SENT_TO })
  }
  const kept = Array.from({ length: 20 }, (_, i) => table.match(`x${i}`, SENT_TO, SENT_FROM)).filter(Boolean)
  expect(kept).toHaveLength(5)
})

const book = new AddressBook({ kind: 'straight' }, 10)
const uri = (text: string) => must(parseUri(text))

test('address book: a JID with all that is asked of it', () => {
  expect(must(book.ofJid('Juliet@XMPP.example/balcony'))).toMatchObject({
    bare: 'juliet@xmpp.example',
    full: true,
    address: { user: 'juliet', domain: 'xmpp.example' },
  })
  expect(must(book.ofJid('juliet@xmpp.example')).full).toBe(false)
  expect(uriText(must(book.ofJid('juliet@xmpp.example/balcony')).uri)).toBe(
    'sip:juliet@xmpp.example;gr=balcony',
  )
  expect(must(book.ofJid('xmpp.example')).address.user).toBe('')
})

test.for(['', '@xmpp.example', 'a@b@', 'juliet@', 'ju liet@xmpp.example', 'juliet@[::1]', 'a@-.-'])(
  'address book: %j is no address, each time it is asked',
  (text) => {
    expect(book.ofJid(text).ok).toBe(false)
    expect(book.ofJid(text).ok).toBe(false)
  },
)

test('address book: the same user as sip-user and as xmpp-user are two questions', () => {
  const escaped = new AddressBook({ kind: 'escaped', gateway: domain('gw.example') }, 10)
  const target = uri('sip:romeo@sip.example')
  expect(escaped.jidOf(target, 'sip-user')).toEqual({ ok: true, value: 'romeo\\40sip.example@gw.example' })
  expect(escaped.jidOf(target, 'xmpp-user')).toEqual({ ok: true, value: 'romeo@sip.example' })
  expect(escaped.jidOf(target, 'sip-user')).toEqual({ ok: true, value: 'romeo\\40sip.example@gw.example' })
})

test('address book: bounded, and right however often it forgets', () => {
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < 100; i++) expect(must(book.ofJid(`u${i}@xmpp.example`)).address.user).toBe(`u${i}`)
})

test.for([
  ['sip:romeo@sip.example', 'romeo', 'sip.example'],
  ['sip:Romeo@SIP.example:5070;transport=tcp', 'romeo', 'sip.example'],
  ['sip:ro%6Deo@sip.example', 'romeo', 'sip.example'],
  ['sips:romeo@sip.example', 'romeo', 'sip.example'],
  ['im:romeo@sip.example', 'romeo', 'sip.example'],
  ['sip:sip.example', '', 'sip.example'],
  ['sip:romeo@M%C3%BCnchen.example', undefined, undefined],
  ['sip:romeo@127.0.0.1', undefined, undefined],
  ['sip:romeo@[::1]', undefined, undefined],
  ['tel:+15551234', undefined, undefined],
  ['mailto:romeo@sip.example', undefined, undefined],
  ['sip:%ff@sip.example', undefined, undefined],
] as const)('addressOf %s', ([text, user, host]) => {
  const parsed = parseUri(text)
  const address = parsed.ok ? addressOf(parsed.value) : undefined
  expect(address).toEqual(user === undefined ? undefined : { user, domain: host })
})
