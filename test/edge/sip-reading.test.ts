import { describe, expect, test } from 'vitest'
import { DialogPass } from '../../src/edge/dialog-pass.ts'
import { PASS, type Reading, readRequest, roleFor } from '../../src/edge/sip-reading.ts'
import { textOfAddress } from '../../src/federation/address.ts'
import type { Snapshot } from '../../src/federation/snapshot.ts'
import { domain, input, served, sipProvider, snapshot, xmppProvider } from '../federation/fixtures.ts'
import { fakeTime } from '../kernel/fake-time.ts'
import { isOwn, type RequestParts, request } from '../sip/proxy/bed.ts'
import { countingRandom } from './support.ts'

const BOTH = snapshot({ servedDomains: [served(), served({ name: domain('other.example') })] })
const PARIS = '<sip:paris@partner.example>;tag=p'
const ROMEO = '<sip:romeo@sip.example>'

function reading(now: Snapshot = BOTH) {
  const pass = new DialogPass(countingRandom(), fakeTime().clock, 86_400_000)
  const deps = { snapshot: () => now, isOwn, pass }
  const mark = pass.for(request({ method: 'INVITE', from: PARIS, to: ROMEO }))
  const edge = `<sip:edge.sip.example:5061;transport=tls;lr;${PASS}=${mark}>`
  const inside = `<sip:127.0.0.1:5060;transport=udp;lr;${PASS}=${mark}>`
  /** A request in the dialog that Paris has begun with Romeo. */
  const inDialog = (parts: RequestParts = {}) =>
    request({
      method: 'BYE',
      uri: 'sip:romeo@192.0.2.77:5062',
      from: PARIS,
      to: `${ROMEO};tag=r`,
      lines: [`Route: ${edge}, ${inside}`],
      ...parts,
    })
  return {
    edge,
    inside,
    mark,
    inDialog,
    read: (parts: Parameters<typeof request>[0]) => readRequest(request(parts), deps),
    within: (parts: RequestParts = {}) => readRequest(inDialog(parts), deps),
    role: (parts: RequestParts) => roleFor(readRequest(request(parts), deps), deps.snapshot()),
    roleWithin: (parts: RequestParts = {}) => roleFor(readRequest(inDialog(parts), deps), deps.snapshot()),
  }
}

const who = (result: Reading | number): unknown =>
  typeof result === 'number' ? result : { to: textOfAddress(result.to), within: result.within }

describe('who speaks to whom', () => {
  test('From to the Request-URI, whatever To says', () => {
    const result = reading().read({ from: PARIS, to: '<sip:tybalt@sip.example>' }) as Reading
    expect([textOfAddress(result.from), textOfAddress(result.to)]).toEqual([
      'paris@partner.example',
      'romeo@sip.example',
    ])
    expect(result.within).toBe(false)
  })

  test.for<[string, RequestParts, unknown]>([
    [
      'port and parameters are no part of it',
      { uri: 'sip:romeo@sip.example:5062;transport=tcp' },
      { to: 'romeo@sip.example', within: false },
    ],
    [
      'escapes, case and sips: are one user',
      { uri: 'sips:%52omeo@SIP.example' },
      { to: 'romeo@sip.example', within: false },
    ],
    ['an address instead of a domain', { uri: 'sip:romeo@192.0.2.1' }, 404],
    ['an IPv6 address instead of a domain', { uri: 'sip:romeo@[2001:db8::1]' }, 404],
    ['a telephone number', { uri: 'tel:+15551234' }, 404],
    ['a domain of ours without a user', { uri: 'sip:sip.example' }, 404],
    ['the same, dressed as within a dialog', { uri: 'sip:sip.example', to: `${ROMEO};tag=r` }, 404],
    ['a sender without a domain', { from: '<sip:paris@192.0.2.9>;tag=p' }, 403],
    ['a sender with an IPv6 address', { from: '<sip:paris@[2001:db8::9]>;tag=p' }, 403],
    ['an anonymous sender by telephone', { from: '<tel:+15551234>;tag=p' }, 403],
    ['a Route that cannot be read', { lines: ['Route: <sip:'] }, 400],
    ['REGISTER', { method: 'REGISTER' }, 405],
    ['a method that nobody knows', { method: 'FROB' }, 405],
  ])('%s', ([, parts, expected]) => {
    expect(who(reading().read(parts))).toEqual(expected)
  })
})

describe('within an admitted dialog', () => {
  const ROMEO_WITHIN = { to: 'romeo@sip.example', within: true }

  test('the Request-URI is a device’s, and To says who it is', () => {
    expect(who(reading().within())).toEqual(ROMEO_WITHIN)
  })

  test('so it is on the way back', () => {
    const back = { from: `${ROMEO};tag=r`, to: PARIS, uri: 'sip:paris@203.0.113.9' }
    expect(who(reading().within(back))).toEqual({ to: 'paris@partner.example', within: true })
  })

  test('with one of our two routes, be it either', () => {
    const { within, edge, inside } = reading()
    expect(who(within({ lines: [`Route: ${edge}`] }))).toEqual(ROMEO_WITHIN)
    expect(who(within({ lines: [`Route: ${inside}`] }))).toEqual(ROMEO_WITHIN)
  })

  test('below a route of ours without a mark, as a preset outbound proxy is', () => {
    const { within, edge } = reading()
    expect(who(within({ lines: ['Route: <sip:127.0.0.1:5060;lr>', `Route: ${edge}`] }))).toEqual(ROMEO_WITHIN)
  })

  test('after a strict router', () => {
    const { within, edge } = reading()
    const strict = { uri: edge.slice(1, -1), lines: ['Route: <sip:romeo@192.0.2.77>'] }
    expect(who(within(strict))).toEqual(ROMEO_WITHIN)
  })

  test.for([
    ['another user of ours', 'sip:tybalt@sip.example', 'tybalt@sip.example'],
    ['a user of another domain of ours', 'sip:romeo@other.example', 'romeo@other.example'],
    ['a user of a provider', 'sip:x@xmpp.example', 'x@xmpp.example'],
  ] as const)('a Request-URI that names %s means that user, who has admitted nothing', ([, uri, to]) => {
    expect(who(reading().within({ uri }))).toEqual({ to, within: false })
  })

  test('one that names the same user is within', () => {
    expect(who(reading().within({ uri: 'sip:romeo@sip.example:5062' }))).toEqual(ROMEO_WITHIN)
  })

  test.for(['sip:sip.example:5070', 'sip:192.0.2.77', 'sip:[2001:db8::7]:5062', 'sip:romeo@device.invalid'])(
    'a device may be anywhere: %s',
    (uri) => {
      expect(who(reading().within({ uri }))).toEqual(ROMEO_WITHIN)
    },
  )

  test('after a strict router, the user that the last route names is who is meant', () => {
    const { within, edge } = reading()
    const strict = { uri: edge.slice(1, -1), lines: ['Route: <sip:tybalt@sip.example>'] }
    expect(who(within(strict))).toEqual({ to: 'tybalt@sip.example', within: false })
  })

  test.for<[string, RequestParts]>([
    ['of another Call-ID', { callId: 'x' }],
    ['of another sender', { from: '<sip:mercutio@partner.example>;tag=p' }],
    ['to another recipient', { to: '<sip:tybalt@sip.example>;tag=r' }],
    ['that begins a dialog', { to: ROMEO }],
  ])('a mark is not good for a request %s: it stands alone', ([, parts]) => {
    const { within } = reading()
    expect(who(within(parts))).toBe(404)
    expect(who(within({ ...parts, uri: 'sip:romeo@sip.example' }))).toEqual({
      to: 'romeo@sip.example',
      within: false,
    })
  })

  test('a mark in a route of somebody else is nothing', () => {
    const { within, mark } = reading()
    const foreign = { lines: [`Route: <sip:elsewhere.example;lr;${PASS}=${mark}>`] }
    expect(who(within(foreign))).toBe(404)
  })

  test('a mark in the Request-URI alone is nothing', () => {
    const { read, edge } = reading()
    expect(who(read({ uri: edge.slice(1, -1), from: PARIS, to: `${ROMEO};tag=r` }))).not.toMatchObject({
      within: true,
    })
  })

  test('the first mark counts: a thousand of them cost no more than one', () => {
    const { within, edge } = reading()
    const forged = edge.replace(/pass=[^>]+/, 'pass=0.aaaaaaaaaaaaaaaaaaaa')
    expect(who(within({ lines: [`Route: ${forged}`, `Route: ${edge}`] }))).toBe(404)
  })
})

describe('what we are to a request', () => {
  const IN = { from: PARIS, uri: 'sip:romeo@sip.example' }
  const OUT = { from: `${ROMEO};tag=r`, uri: 'sip:paris@partner.example' }
  const TO_XMPP = { from: `${ROMEO};tag=r`, uri: 'sip:juliet@xmpp.example' }
  const METHODS = 'MESSAGE SUBSCRIBE NOTIFY PUBLISH INVITE ACK BYE PRACK UPDATE INFO REFER OPTIONS'.split(' ')

  test.for(METHODS)('%s: the proxy between home servers and SIP providers, the server for XMPP', (method) => {
    const { role } = reading()
    expect(role({ ...IN, method })).toBe('proxy')
    expect(role({ ...OUT, method })).toBe('proxy')
    expect(role({ ...TO_XMPP, method })).toBe('server')
  })

  test.for<[string, RequestParts]>([
    ['REGISTER', { ...IN, method: 'REGISTER' }],
    ['REGISTER from inside', { ...OUT, method: 'REGISTER' }],
    ['an unknown method', { ...IN, method: 'FROB' }],
    [
      'OPTIONS without a user, which asks whether we live',
      { ...IN, method: 'OPTIONS', uri: 'sip:sip.example' },
    ],
    ['from one provider to another', { ...IN, uri: 'sip:juliet@xmpp.example' }],
    ['from one domain of ours to another', { ...OUT, uri: 'sip:romeo@other.example' }],
    ['to a domain that nobody knows', { ...OUT, uri: 'sip:x@nowhere.example' }],
    ['to an address', { ...IN, uri: 'sip:romeo@192.0.2.1' }],
    ['to nobody in a domain of ours', { ...IN, uri: 'sip:sip.example' }],
  ])('the server of what goes nowhere: %s', ([, parts]) => {
    expect(reading().role(parts)).toBe('server')
  })

  test('the proxy of what is within an admitted dialog', () => {
    expect(reading().roleWithin()).toBe('proxy')
  })

  test('the proxy to a domain that is to be found by DNS, where that is on', () => {
    const { federation } = input()
    const open = snapshot({
      providers: [sipProvider(), xmppProvider()],
      federation: { ...federation, openDiscovery: { ...federation.openDiscovery, enabled: true } },
    })
    expect(reading(open).role({ ...OUT, uri: 'sip:x@nowhere.example' })).toBe('proxy')
  })
})
