import { expect, test } from 'vitest'
import type { SipMessage } from '../../../src/sip/message.ts'
import { parseMessage } from '../../../src/sip/parse.ts'
import type { Element } from '../../../src/xmpp/xml/element.ts'
import { answerText, until } from '../../sip/endpoint/bed.ts'
import {
  holds,
  interworkingCases,
  sipValue,
  stanzaValue,
  type VectorCase,
  type VectorMessage,
} from '../../support/vectors.ts'
import { type GatewayBed, gatewayBed } from '../gateway-bed.ts'

/** A case with what must have happened before it. */
interface Case extends VectorCase {
  readonly given: { readonly setup?: readonly VectorMessage[] }
}

/** The domains of the examples are called otherwise in the test bed. */
const renamed = (text: string): string =>
  text.replaceAll('example.net', 'sip.example').replaceAll('example.com', 'xmpp.example')

function caseOf(id: string): Case {
  const found = interworkingCases('rfc8048').find((one) => one.id === id)
  if (found === undefined) throw new Error(`no vector ${id}`)
  return JSON.parse(renamed(JSON.stringify(found))) as Case
}

function messageOf(text: string): SipMessage {
  const parsed = parseMessage(Buffer.from(text))
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return parsed.value
}

interface Seen {
  /** The 200 to the SUBSCRIBE of the vector, and our tag in it. */
  readonly response: SipMessage
  readonly ourTag: string
  readonly notifies: readonly SipMessage[]
  readonly stanzas: readonly Element[]
}

/** The messages of a case through a whole gateway, in their order: each is answered before the next one is sent. */
async function played(one: Case, notifies: number): Promise<Seen> {
  const at: GatewayBed = await gatewayBed()
  const texts = (start: string) => at.home.received.filter((text) => text.startsWith(start))
  const answered = new Set<string>()
  const answerAll = (): void => {
    for (const text of texts('NOTIFY ')) {
      if (answered.has(text)) continue
      answered.add(text)
      at.home.send(answerText(text, 200), at.port)
    }
  }
  for (const { protocol, raw } of [...(one.given.setup ?? []), ...one.input]) {
    if (protocol === 'xmpp') at.xmpp.send(raw)
    else {
      const via = `Via: SIP/2.0/UDP 127.0.0.1:${at.home.port};branch=z9hG4bKna998sk;rport`
      at.home.send(raw.replace(/^Via:.*$/m, via), at.port)
      await until(() => texts('SIP/2.0').length > 0 && texts('NOTIFY ').length > 0)
      answerAll()
    }
  }
  await until(() => {
    answerAll()
    return answered.size >= notifies && at.xmpp.stanzas.length > 0
  })
  const response = messageOf(texts('SIP/2.0')[0] ?? '')
  return {
    response,
    ourTag: String(sipValue(response, 'param.To.tag')),
    notifies: texts('NOTIFY ').map(messageOf),
    stanzas: at.xmpp.stanzas,
  }
}

/** Every assertion of an expected message; `ur93` and the like stand for our tag. */
function fits(
  expected: VectorMessage | undefined,
  actual: SipMessage | Element | undefined,
  ourTag: string,
): void {
  if (expected === undefined || actual === undefined) throw new Error('nothing to compare')
  expect(expected.assert?.length).toBeGreaterThan(0)
  for (const [path, operator, wanted] of expected.assert ?? []) {
    const isOurs = path === 'param.From.tag'
    const value =
      'kind' in actual
        ? operator === 'count'
          ? actual.headers.all(path.slice(2))
          : sipValue(actual, path)
        : stanzaValue(actual, path)
    const right = holds(value, operator, isOurs ? ourTag : wanted)
    expect([path, value, right]).toEqual([path, value, true])
  }
}

test('rfc8048-ex11-sip-subscribe', async () => {
  const one = caseOf('rfc8048-ex11-sip-subscribe')
  const { response, ourTag, notifies, stanzas } = await played(one, 1)
  const [ok, pending, subscribe] = one.expected
  fits(ok, response, ourTag)
  // §5.3.1 has no NOTIFY here; RFC 6665 §4.2.1.2 wants it at once.
  fits(pending, notifies[0], ourTag)
  fits(subscribe, stanzas[0], ourTag)
  expect(stanzas).toHaveLength(1)
  // Our tag is the device of the user (RFC 6665 §4.5.1), within the angle brackets; Record-Route names the gateway.
  expect(sipValue(response, 'h.Contact')).toBe(`<sip:juliet@xmpp.example;gr=${ourTag}>`)
  expect(sipValue(response, 'h.Record-Route')).toMatch(/^<sip:127\.0\.0\.1:\d+;transport=udp;lr>$/)
})

test('rfc8048-ex15-unsubscribed-reject', async () => {
  const one = caseOf('rfc8048-ex15-unsubscribed-reject')
  const { ourTag, notifies } = await played(one, 2)
  fits(one.expected[0], notifies[1], ourTag)
  // The example has From and To the wrong way round.
  expect(sipValue(notifies[1] as SipMessage, 'uri.From')).toBe('sip:juliet@xmpp.example')
})

test('rfc8048-ex18-presence-to-notify', async () => {
  const one = caseOf('rfc8048-ex18-presence-to-notify')
  const { ourTag, notifies } = await played(one, 2)
  const active = notifies[1] as SipMessage
  // §5.3.1 tells of `subscribed` with an empty NOTIFY; RFC 3856 §6.7 wants the state in it, so this is one, not two.
  fits(one.expected[0], active, ourTag)
  expect(notifies).toHaveLength(2)
  // The Contact of the example names the resource. A document here holds every resource (RFC 3856 §6.8), each with its own.
  expect(sipValue(active, 'h.Contact')).toBe(`<sip:juliet@xmpp.example;gr=${ourTag}>`)
  expect(sipValue(active, 'body')).toContain('<contact>sip:juliet@xmpp.example;gr=yn0cl4bnw0yr3vym</contact>')
})
