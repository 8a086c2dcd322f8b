import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Addressing,
  gatewayJid,
  jidToUri,
  type Party,
  uriToJid,
} from '../../src/interworking/address.ts'
import { type Domain, parseDomain } from '../../src/kernel/domain.ts'
import { escapeUser } from '../../src/sip/escape.ts'
import type { Uri } from '../../src/sip/uri.ts'
import { sameUri } from '../../src/sip/uri-compare.ts'
import { parseUri } from '../../src/sip/uri-parse.ts'
import { uriText } from '../../src/sip/uri-write.ts'
import { localOf, parseJid } from '../../src/xmpp/jid.ts'
import { mapUsername } from '../../src/xmpp/precis/profile.ts'

function domain(text: string): Domain {
  const parsed = parseDomain(text)
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`)
  return parsed.value
}
function uri(text: string): Uri {
  const parsed = parseUri(text)
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`)
  return parsed.value
}
/** The result's text, or `! reason`. */
function toJid(text: string, addressing: Addressing, party: Party = 'sip-user'): string {
  const result = uriToJid(uri(text), addressing, party)
  return result.ok ? result.value : `! ${result.error}`
}
function toUri(text: string, addressing: Addressing): string {
  const parsed = parseJid(text)
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`)
  const result = jidToUri(parsed.value, addressing)
  return result.ok ? uriText(result.value) : `! ${result.error}`
}

const straight: Addressing = { kind: 'straight' }
const pair: Addressing = { kind: 'pair', sip: domain('corp.example'), xmpp: domain('sip.corp.example') }
const escaped: Addressing = { kind: 'escaped', gateway: domain('gw.example') }

interface Row {
  readonly input: string
  readonly expected: string | null
}
const rows = (name: string): Row[] =>
  JSON.parse(readFileSync(new URL(`../vectors/tables/${name}.json`, import.meta.url), 'utf8')).rows

describe('table SIP to XMPP', () => {
  test.for(rows('address-sip-to-xmpp'))('$input', ({ input, expected }) => {
    const result = toJid(input, straight)
    if (expected === null) expect(result).toMatch(/^! /)
    else expect(result).toBe(expected)
  })
})

describe('table XMPP to SIP', () => {
  test.for(rows('address-xmpp-to-sip'))('$input', ({ input, expected }) => {
    expect(sameUri(uri(toUri(input, straight)), uri(expected ?? ''))).toBe(true)
  })
})

test('sip-user-is-percent-decoded-then-jid-escaped', () => {
  expect(toJid('sip:o%27malley%20jr@sip.example', straight)).toBe('o\\27malley\\20jr@sip.example')
  expect(toJid('sip:tsch%C3%BCss@sip.example', straight)).toBe('tschüss@sip.example')
  expect(toJid('sip:a%2540b@sip.example', straight)).toBe('a%40b@sip.example')
})

test.for([...' "&\'/:<>@'].map((char) => [char] as const))('all-ten-jid-escapes-round-trip: %s', ([char]) => {
  const sip = `sip:a${escapeUser(char)}b@sip.example`
  const jid = `a\\${char.charCodeAt(0).toString(16)}b@sip.example`
  expect(toJid(sip, straight)).toBe(jid)
  expect(toUri(jid, straight)).toBe(sip)
})

test('backslash-before-escape-sequence-becomes-5c', () => {
  expect(toJid('sip:a%5C40b@sip.example', straight)).toBe('a\\5c40b@sip.example')
  expect(toUri('a\\5c40b@sip.example', straight)).toBe('sip:a%5C40b@sip.example')
  expect(toJid('sip:a%5C5cb@sip.example', straight)).toBe('a\\5c5cb@sip.example')
})

test('jid-to-sip-escapes-listed-characters-and-non-ascii', () => {
  expect(toUri('#%[\\]^`{|}@xmpp.example', straight)).toBe('sip:%23%25%5B%5C%5D%5E%60%7B%7C%7D@xmpp.example')
  expect(toUri('tschüss@xmpp.example', straight)).toBe('sip:tsch%C3%BCss@xmpp.example')
  expect(toUri('שלום@xmpp.example', straight)).toBe('sip:%D7%A9%D7%9C%D7%95%D7%9D@xmpp.example')
})

test('gr-maps-to-resource-and-back', () => {
  expect(toJid('sip:foo@sip.example;gr=Home%20PC;transport=tcp', straight)).toBe('foo@sip.example/Home PC')
  expect(toUri('foo@sip.example/Büro 😀', straight)).toBe('sip:foo@sip.example;gr=B%C3%BCro%20%F0%9F%98%80')
  expect(toJid('sip:foo@sip.example;gr=B%C3%BCro%20%F0%9F%98%80', straight)).toBe('foo@sip.example/Büro 😀')
  expect(toJid('sip:foo@sip.example;gr=urn:uuid:f81d4fae', straight)).toBe(
    'foo@sip.example/urn:uuid:f81d4fae',
  )
  expect(toJid('sip:foo@sip.example;gr=%00', straight)).toBe('! resourcepart-disallowed')
})

test('temporary-gruu-is-not-mapped', () => {
  expect(toJid('sip:tgruu.7hs@sip.example;gr', straight)).toBe('tgruu.7hs@sip.example')
})

test('over-long-jid-part-is-refused', () => {
  expect(toJid(`sip:${'a'.repeat(1023)}@sip.example`, straight)).toHaveLength(1023 + '@sip.example'.length)
  expect(toJid(`sip:${'a'.repeat(1024)}@sip.example`, straight)).toBe('! localpart-too-long')
  expect(toJid(`sip:${'%40'.repeat(400)}@sip.example`, straight)).toBe('! localpart-too-long')
  expect(toJid(`sip:${'a'.repeat(60_000)}@sip.example`, straight)).toBe('! localpart-too-long')
  expect(toJid(`sip:a@sip.example;gr=${'b'.repeat(1024)}`, straight)).toBe('! resourcepart-too-long')
})

test.for([
  ['sips-target-is-refused', 'sips:foo@sip.example', '! sips'],
  ['telephone number', 'tel:+15551234567', '! telephone-number'],
  ['telephone number with a domain as context', 'tel:7042;phone-context=example.com', '! telephone-number'],
  ['another scheme', 'mailto:foo@sip.example', '! unknown-scheme'],
  ['telephone number as SIP user', 'sip:+15551234567@sip.example;user=phone', '+15551234567@sip.example'],
  ['no user', 'sip:sip.example', 'sip.example'],
  [
    'semicolons before the at sign',
    'sip:user;par=u%40example.net@sip.example',
    'user;par=u\\40example.net@sip.example',
  ],
  ['headers are dropped', 'sip:foo@sip.example?Subject=x', 'foo@sip.example'],
  ['pres', 'pres:romeo@example.net', 'romeo@example.net'],
  ['control characters', 'sip:a%0D%0Ab@sip.example', '! localpart-disallowed'],
  ['space first', 'sip:%20a@sip.example', '! localpart-edge-space'],
  ['not UTF-8', 'sip:f%FC@sip.example', '! bad-escape'],
  ['emoji', 'sip:%F0%9F%98%80@sip.example', '! localpart-disallowed'],
  ['IPv4 host', 'sip:foo@192.0.2.1', '! ip-literal'],
  ['IPv6 host', 'sip:foo@[2001:db8::1]', '! ip-literal'],
  ['A-label host', 'sip:foo@xn--bcher-kva.example', 'foo@bücher.example'],
] as const)('SIP to XMPP: %s', ([, input, expected]) => {
  expect(toJid(input, straight)).toBe(expected)
})

test.for([
  ['domain JID', 'xmpp.example', 'sip:xmpp.example'],
  ['domain JID with resource', 'xmpp.example/x', 'sip:xmpp.example;gr=x'],
  ['semicolon in the user', 'user;x=y@xmpp.example', 'sip:user;x=y@xmpp.example'],
  ['U-label', 'foo@bücher.example', 'sip:foo@xn--bcher-kva.example'],
  ['IP literal', 'foo@192.0.2.1', '! ip-literal'],
  ['superfluous escape', '\\5cfoo@xmpp.example', '! ambiguous'],
  ['no line break gets into the URI', 'a@xmpp.example/%0d%0aVia', 'sip:a@xmpp.example;gr=%250d%250aVia'],
] as const)('XMPP to SIP: %s', ([, input, expected]) => {
  expect(toUri(input, straight)).toBe(expected)
})

describe('different SIP users never share a JID', () => {
  test('an upper-case sequence is not an escape of something else', () => {
    expect(toJid('sip:a%3Ab@sip.example', straight)).toBe('a\\3ab@sip.example')
    expect(toJid('sip:a%5C3Ab@sip.example', straight)).toBe('a\\5c3ab@sip.example')
  })

  test('nor one in fullwidth characters', () => {
    expect(toJid(`sip:${escapeUser('a＼40b')}@sip.example`, straight)).toBe('a\\5c40b@sip.example')
  })

  test('an accent that would join the escape is refused', () => {
    expect(toJid(`sip:${escapeUser('a:\u0301')}@sip.example`, straight)).toBe('! ambiguous')
  })
})

describe('pair', () => {
  test('the SIP domain has another name on the XMPP side', () => {
    expect(toJid('sip:alice@corp.example;gr=1', pair)).toBe('alice@sip.corp.example/1')
    expect(toUri('alice@sip.corp.example/1', pair)).toBe('sip:alice@corp.example;gr=1')
    expect(toJid('sip:corp.example', pair)).toBe('sip.corp.example')
  })

  test('other domains are straight', () => {
    expect(toJid('sip:juliet@xmpp.example', pair, 'xmpp-user')).toBe('juliet@xmpp.example')
    expect(toUri('juliet@xmpp.example', pair)).toBe('sip:juliet@xmpp.example')
  })

  test('nobody takes the name of the other side', () => {
    expect(toUri('juliet@corp.example', pair)).toBe('! shadowed-domain')
    expect(toJid('sip:mallory@sip.corp.example', pair)).toBe('! shadowed-domain')
  })
})

describe('escaped', () => {
  test.for([
    ['sip:alice@sip.example', 'alice\\40sip.example@gw.example'],
    ['sip:alice@sip.example;gr=1', 'alice\\40sip.example@gw.example/1'],
    ['sip:a%40b@sip.example', 'a\\40b\\40sip.example@gw.example'],
    ['sip:a%5Cb@sip.example', 'a\\b\\40sip.example@gw.example'],
    ['sip:a%5C40b@sip.example', 'a\\5c40b\\40sip.example@gw.example'],
    ['sip:a%5C@sip.example', 'a\\\\40sip.example@gw.example'],
    ['sip:f%C3%BC@xn--bcher-kva.example', 'fü\\40xn--bcher-kva.example@gw.example'],
  ] as const)('%s', ([sip, jid]) => {
    expect(toJid(sip, escaped)).toBe(jid)
    expect(toUri(jid, escaped)).toBe(sip)
  })

  test('XMPP users keep their own address', () => {
    expect(toJid('sip:juliet@xmpp.example', escaped, 'xmpp-user')).toBe('juliet@xmpp.example')
    expect(toUri('juliet@xmpp.example/x', escaped)).toBe('sip:juliet@xmpp.example;gr=x')
    expect(toUri('a\\40b@xmpp.example', escaped)).toBe('sip:a%40b@xmpp.example')
  })

  test('an internationalized domain escaped by a client is understood', () => {
    expect(toUri('a\\40bücher.example@gw.example', escaped)).toBe('sip:a@xn--bcher-kva.example')
  })

  test.for([
    ['gw.example', '! not-escaped'],
    ['alice@gw.example', '! not-escaped'],
    ['\\40sip.example@gw.example', '! not-escaped'],
    ['alice\\40@gw.example', '! bad-host'],
    ['alice\\40192.0.2.1@gw.example', '! ip-literal'],
    ['alice\\40gw.example@gw.example', '! shadowed-domain'],
  ] as const)('refused at the gateway: %s', ([jid, expected]) => {
    expect(toUri(jid, escaped)).toBe(expected)
  })

  test('refused on the way to XMPP', () => {
    expect(toJid('sip:sip.example', escaped)).toBe('! no-user')
    expect(toJid('sip:a@gw.example', escaped)).toBe('! shadowed-domain')
    expect(toJid('sip:a@gw.example', escaped, 'xmpp-user')).toBe('! shadowed-domain')
    // A right-to-left name and a Latin domain in one localpart are against the Bidi Rule.
    expect(toJid(`sip:${escapeUser('שלום')}@sip.example`, escaped)).toBe('! localpart-direction')
  })
})

describe('gateway prompt', () => {
  test.for([
    ['alice@sip.example', 'alice\\40sip.example@gw.example'],
    ['  Alice@SIP.example ', 'alice\\40sip.example@gw.example'],
    ['sip:alice@sip.example', 'alice\\40sip.example@gw.example'],
    ['SIP:o%27hara@sip.example;transport=tcp', 'o\\27hara\\40sip.example@gw.example'],
    ["o'hara@sip.example", 'o\\27hara\\40sip.example@gw.example'],
    ['a@b@sip.example', 'a\\40b\\40sip.example@gw.example'],
    ['josé@bücher.example', 'josé\\40xn--bcher-kva.example@gw.example'],
    ['alice', '! no-user'],
    ['', '! no-user'],
    ['@sip.example', '! no-user'],
    ['alice@', '! bad-host'],
    ['tel:+123', '! telephone-number'],
    ['sips:a@b.example', '! sips'],
    ['sip:', '! bad-host'],
  ] as const)('%s', ([typed, expected]) => {
    const result = gatewayJid(typed, escaped)
    expect(result.ok ? result.value : `! ${result.error}`).toBe(expected)
  })
})

describe('properties', () => {
  const modes = fc.constantFrom(straight, pair, escaped)
  const user = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1 }),
    fc.string({ unit: fc.constantFrom(...'\\20235acef4 @&/:<%;?=aéж漢\u0301\u0338'), minLength: 1 }),
  )
  const host = fc.constantFrom('sip.example', 'corp.example', 'xn--bcher-kva.example')

  test('a SIP user comes back from XMPP as the same user, in every mode', () => {
    let mapped = 0
    fc.assert(
      fc.property(user, host, fc.option(user), modes, (text, at, device, mode) => {
        const gr = device === null ? '' : `;gr=${escapeUser(device).replace(/[=,;?/]/g, encodeURIComponent)}`
        const parsed = parseUri(`sip:${escapeUser(text)}@${at}${gr}`)
        if (!parsed.ok) return
        const jid = uriToJid(parsed.value, mode, 'sip-user')
        if (!jid.ok) return
        mapped++
        const back = jidToUri(jid.value, mode)
        if (!back.ok) throw new Error(`${jid.value}: ${back.error}`)
        expect(back.value.user).toBe(escapeUser(mapUsername(text) ?? ''))
        expect(back.value.host).toBe(at)
        expect(uriToJid(back.value, mode, 'sip-user')).toEqual(jid)
      }),
      { numRuns: 3000 },
    )
    expect(mapped).toBeGreaterThan(100)
  })

  test('an XMPP user comes back from SIP with the very same JID, in every mode', () => {
    let mapped = 0
    fc.assert(
      fc.property(user, fc.option(user), modes, (text, resource, mode) => {
        const jid = parseJid(`${text}@xmpp.example${resource === null ? '' : `/${resource}`}`)
        if (!jid.ok || localOf(jid.value) === undefined) return
        const there = jidToUri(jid.value, mode)
        if (!there.ok) return
        mapped++
        expect(parseUri(uriText(there.value))).toEqual({ ok: true, value: there.value })
        expect(uriToJid(there.value, mode, 'xmpp-user')).toEqual(jid)
      }),
      { numRuns: 3000 },
    )
    expect(mapped).toBeGreaterThan(50)
  })

  test('the prompt never throws', () => {
    fc.assert(fc.property(fc.oneof(user, fc.webUrl()), modes, (text, mode) => void gatewayJid(text, mode)))
  })
})
