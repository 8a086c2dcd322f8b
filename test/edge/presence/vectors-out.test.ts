import { expect, test } from 'vitest'
import type { SipRequest } from '../../../src/sip/message.ts'
import { parseMessage } from '../../../src/sip/parse.ts'
import { param } from '../../../src/sip/scan.ts'
import { uriText } from '../../../src/sip/uri-write.ts'
import { until } from '../../sip/endpoint/bed.ts'
import {
  type Assertion,
  holds,
  interworkingCases,
  sipValue,
  stanzaValue,
  type VectorCase,
} from '../../support/vectors.ts'
import { type GatewayBed, gatewayBed } from '../gateway-bed.ts'

const CASES = new Map(interworkingCases('rfc8048').map((one) => [one.id, one]))

/** With the domains of the bed. */
const ours = (text: string): string =>
  text.replaceAll('example.com', 'xmpp.example').replaceAll('example.net', 'sip.example')

const caseOf = (id: string): VectorCase => JSON.parse(ours(JSON.stringify(CASES.get(id))))

interface Scene extends GatewayBed {
  readonly one: VectorCase
  /** What a case says came before. */
  readonly setup: readonly string[]
  request(): Promise<SipRequest>
  /** The message of a case, made part of the dialog of `subscribe`. */
  send(raw: string, subscribe: SipRequest): void
  stanzas(count: number): Promise<readonly string[]>
}

async function scene(id: string): Promise<Scene> {
  const bed = await gatewayBed()
  const one = caseOf(id)
  const given = one as { given?: { setup?: { raw: string }[] } }
  return {
    ...bed,
    one,
    setup: (given.given?.setup ?? []).map(({ raw }) => raw),
    async request() {
      const read = parseMessage(Buffer.from(await bed.home.next(), 'latin1'))
      if (!read.ok || read.value.kind !== 'request') throw new Error('no request')
      return read.value
    },
    send(raw, { headers }) {
      const contact = headers.get('Contact') ?? ''
      const bound = raw
        .replaceAll('j89d', param(headers.from()?.params ?? [], 'tag') ?? '')
        .replaceAll('5BCF940D-793D-43F8-8972-218F7F4EAA8C', headers.get('Call-ID') ?? '')
        .replaceAll('sip:juliet@xmpp.example;gr=yn0cl4bnw0yr3vym', contact.slice(1, contact.indexOf('>')))
        .replace(/^CSeq: \d+ SUBSCRIBE$/m, `CSeq: ${headers.get('CSeq')}`)
      const via = raw.startsWith('SIP/2.0')
        ? headers.get('Via')
        : `SIP/2.0/UDP 127.0.0.1:${bed.home.port};branch=z9hG4bKhome${Math.random()};rport`
      const [head = '', body = ''] = bound.split('\r\n\r\n')
      const lines = head.replace(/^Via: .*$/m, `Via: ${via}`).replace(/\r\nContent-Length: \d+/, '')
      bed.home.send(`${lines}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, bed.port)
    },
    async stanzas(count) {
      await until(() => bed.xmpp.stanzas.length >= count)
      return bed.xmpp.stanzas.map(String)
    },
  }
}

function check(assertions: readonly Assertion[] | undefined, valueAt: (path: string) => unknown): void {
  expect(assertions?.length).toBeGreaterThan(0)
  for (const [path, operator, wanted] of assertions ?? []) {
    if (operator === 'echoes-request') continue
    const actual = valueAt(path)
    expect([path, actual, holds(actual, operator, wanted)]).toEqual([path, actual, true])
  }
}

/** The value of an assertion that counts lines of a field. */
const requestValue = (request: SipRequest, assertions: readonly Assertion[] | undefined) => (path: string) =>
  assertions?.some(([other, operator]) => other === path && operator === 'count')
    ? request.headers.all(path.slice(2))
    : sipValue(request, path)

test('rfc8048-ex01-subscribe-request', async () => {
  const { one, xmpp, request } = await scene('rfc8048-ex01-subscribe-request')
  xmpp.send(one.input[0]?.raw ?? '')
  const subscribe = await request()
  const { assert } = one.expected[0] ?? {}
  check(assert, requestValue(subscribe, assert))
  // Corrected: `gr` is within the angle brackets (RFC 5627 §3).
  expect(subscribe.headers.get('Contact')).toMatch(/^<sip:juliet@xmpp\.example;gr=[^>]+>$/)
  expect(xmpp.stanzas).toEqual([])
})

test('rfc8048-ex04-notify-active', async () => {
  const { one, setup, xmpp, home, request, send, stanzas } = await scene('rfc8048-ex04-notify-active')
  xmpp.send(setup[0] ?? '')
  const subscribe = await request()
  send(setup[1] ?? '', subscribe)
  // Corrected: From is the notifier, and the Request-URI our Contact.
  send(one.input[0]?.raw ?? '', subscribe)
  const [answer, subscribed, presence] = one.expected
  const response = parseMessage(Buffer.from(await home.next(), 'latin1'))
  if (!response.ok) throw new Error('no response')
  check(answer?.assert, (path) => sipValue(response.value, path))
  // Corrected: `show` is not lost (table 2).
  await stanzas(2)
  check(subscribed?.assert, (path) => stanzaValue(xmpp.stanzas[0] as never, path))
  check(presence?.assert, (path) => stanzaValue(xmpp.stanzas[1] as never, path))
  expect(xmpp.stanzas).toHaveLength(2)
})

test('rfc8048-ex09-unsubscribed-ack', async () => {
  const { one, setup, xmpp, home, request, send, stanzas } = await scene('rfc8048-ex09-unsubscribed-ack')
  xmpp.send(setup[0] ?? '')
  const subscribe = await request()
  send(setup[1] ?? '', subscribe)
  send(setup[2] ?? '', subscribe)
  await home.next()
  await stanzas(2)
  xmpp.send(setup[3] ?? '')
  const leave = await request()
  expect([leave.method, leave.headers.get('Expires'), uriText(leave.uri)]).toEqual([
    'SUBSCRIBE',
    '0',
    'sip:romeo@sip.example;gr=dr4hcr0st3lup4c',
  ])
  expect(leave.headers.get('To')).toContain('tag=ffd2')
  expect(xmpp.stanzas).toHaveLength(2)
  send(one.input[0]?.raw ?? '', leave)
  // Beyond the example: what was shown is taken back first (RFC 6121 §3.3.3).
  await stanzas(4)
  expect(xmpp.stanzas[2]?.attrs).toMatchObject({
    type: 'unavailable',
    from: 'romeo@sip.example/dr4hcr0st3lup4c',
  })
  check(one.expected[0]?.assert, (path) => stanzaValue(xmpp.stanzas[3] as never, path))
  // Corrected: the NOTIFY of example 10 is not ours to send (RFC 6665 §4.6).
  expect(home.received.filter((text) => text.startsWith('NOTIFY'))).toEqual([])
})

test('rfc8048-ex22-probe-to-subscribe, where there is no authorization', async () => {
  const { one, xmpp, request } = await scene('rfc8048-ex22-probe-to-subscribe')
  xmpp.send(one.input[0]?.raw ?? '')
  const subscribe = await request()
  check(one.expected[0]?.assert, (path) => sipValue(subscribe, path))
  expect(xmpp.stanzas).toEqual([])
})

test('rfc8048-ex22-probe-to-subscribe, with a full JID', async () => {
  const { one, xmpp, request } = await scene('rfc8048-ex22-probe-to-subscribe')
  xmpp.send(
    (one.input[0]?.raw ?? '').replace("from='juliet@xmpp.example'", "from='juliet@xmpp.example/chamber'"),
  )
  const subscribe = await request()
  check(one.expected[0]?.assert, (path) => sipValue(subscribe, path))
})

/** As the note of the case says: with an authorization we open a lasting dialog instead (RFC 8048 §5.2.2). */
test('rfc8048-ex22-probe-to-subscribe, with an authorization: Expires above 0', async () => {
  const { one, xmpp, home, request, send, stanzas } = await scene('rfc8048-ex22-probe-to-subscribe')
  const active = caseOf('rfc8048-ex04-notify-active')
  const { setup } = (active as unknown as { given: { setup: { raw: string }[] } }).given
  xmpp.send(setup[0]?.raw ?? '')
  const first = await request()
  send(setup[1]?.raw ?? '', first)
  send(active.input[0]?.raw ?? '', first)
  await home.next()
  await stanzas(2)
  send(
    (active.input[0]?.raw ?? '')
      .replace('active;expires=499', 'terminated;reason=probation')
      .replace('CSeq: 2', 'CSeq: 3')
      .replace(/\r\n\r\n.*$/s, '\r\n\r\n')
      .replace(/Content-Type: .*\r\n/, ''),
    first,
  )
  await home.next()
  await stanzas(3)
  xmpp.send(one.input[0]?.raw ?? '')
  const subscribe = await request()
  expect(subscribe.headers.get('Expires')).toBe('3600')
  check(
    one.expected[0]?.assert?.filter(([path]) => path !== 'h.Expires'),
    (path) => sipValue(subscribe, path),
  )
})
