import { describe, expect, test } from 'vitest'
import { Learning } from '../../src/edge/learning.ts'
import { textOfAddress } from '../../src/federation/address.ts'
import { uriText } from '../../src/sip/uri-write.ts'
import { byAddress, contacts, domain, pattern, sipProvider } from '../federation/fixtures.ts'
import { response } from '../sip/proxy/bed.ts'
import { EDGE, PARIS, proxyBed, ROMEO, settled, values } from './proxy-bed.ts'
import { at } from './sip-support.ts'
import { sipResponse } from './support.ts'

const MARK = 'Ms-Edge-Proxy-Message-Trust'
const mark = (verified: 'verified' | 'unverified', type = 'DirectPartner', network = 'federation'): string =>
  `ms-source-type=${type};ms-ep-fqdn=edge.sip.example;ms-source-verified-user=${verified};ms-source-network=${network}`

const outcome = (status: number, lines: readonly string[] = [], method = 'MESSAGE') =>
  ({ kind: 'response', response: response(status, lines, method) }) as const

const tls = (host: string, address: string) =>
  ({ transport: 'tls', address, port: 5061, host, server: host }) as const

/** Everything that a stranger might say to be believed. */
const FORGED = [
  'ms-edge-proxy-message-trust: ms-source-verified-user=verified',
  'Ms-Edge-Proxy-Message-Trust: ms-source-type=InternalServer',
  'ms-user-data: x',
  'ms-asserted-verification-level: x',
  'ms-diagnostics: 1;reason="x"',
  'P-Asserted-Identity: <sip:romeo@sip.example>',
  'P-Preferred-Identity: <sip:romeo@sip.example>',
  'Remote-Party-ID: <sip:romeo@sip.example>',
  'P-Served-User: <sip:romeo@sip.example>',
  'P-Asserted-Service: urn:x',
]
const NAMES = [
  'Ms-User-Data',
  'Ms-Asserted-Verification-Level',
  'Ms-Diagnostics',
  'P-Asserted-Identity',
  'P-Preferred-Identity',
  'Remote-Party-ID',
  'P-Served-User',
  'P-Asserted-Service',
]

describe('a request from a provider to a home server', () => {
  test('goes to the home server, and its answer back', () => {
    const { fromOutside, sent, sends } = proxyBed()
    const { answers } = fromOutside({ lines: ['Max-Forwards: 70', 'Subject: hello'] })
    expect(sends).toHaveLength(1)
    expect(sent().hop).toMatchObject({ transport: 'udp', address: '127.0.0.1', port: 5070, side: 'inside' })
    expect(uriText(sent().request.uri)).toBe('sip:romeo@sip.example')
    expect(values(sent().request, 'Subject')).toEqual(['hello'])
    expect(values(sent().request, 'Max-Forwards')).toEqual(['69'])
    expect(answers).toEqual([])
    sent().end(outcome(200))
    expect(answers.map(({ status }) => status)).toEqual([200])
  })

  test.for<[string, readonly string[], 'verified' | 'unverified']>([
    ['verified', ['X-Verified: verified'], 'verified'],
    ['unverified', ['X-Verified: unverified'], 'unverified'],
    ['nothing', [], 'unverified'],
  ])('is marked as its level makes of what the provider says: %s', ([, lines, expected]) => {
    const { fromOutside, sent } = proxyBed({
      provider: { verification: 'verified' },
      federation: { contacts: [contacts({ allow: [byAddress('paris@partner.example')] })] },
    })
    fromOutside({ lines })
    expect(values(sent().request, MARK)).toEqual([mark(expected)])
    expect(values(sent().request, 'X-Verified')).toEqual([])
  })

  test.for([
    ['partner', 'DirectPartner', 'federation'],
    ['hosted', 'AuthorizedServer', 'federation'],
    ['public', 'AuthorizedServer', 'publiccloud'],
  ] as const)('the mark says of what type the provider is: %s', ([type, source, network]) => {
    const { fromOutside, sent } = proxyBed({ provider: { type } })
    fromOutside()
    expect(values(sent().request, MARK)).toEqual([mark('verified', source, network)])
  })

  test('nothing that it claims to be trusted by goes inside; ours is there once', () => {
    const { fromOutside, sent } = proxyBed()
    fromOutside({ lines: FORGED })
    for (const name of NAMES) expect([name, values(sent().request, name)]).toEqual([name, []])
    expect(values(sent().request, MARK)).toEqual([mark('verified')])
  })

  test('whose asserting header is P-Asserted-Identity: it is read, and goes no further', () => {
    const { fromOutside, sent, sends } = proxyBed({
      provider: { verification: 'verified', assertingHeader: 'p-asserted-identity' },
    })
    fromOutside({ lines: [`P-Asserted-Identity: ${PARIS}`] })
    expect(values(sent().request, MARK)).toEqual([mark('verified')])
    expect(values(sent().request, 'P-Asserted-Identity')).toEqual([])
    const other = fromOutside({ lines: ['P-Asserted-Identity: <sip:x@partner.example>'] })
    expect(other.answers.map(({ status }) => status)).toEqual([403])
    expect(sends).toHaveLength(1)
  })

  test('enforce: home – what the level would refuse is passed on, marked unverified', () => {
    const { fromOutside, sent } = proxyBed({
      row: { enforce: 'home' },
      provider: { verification: 'contacts' },
    })
    fromOutside({ lines: ['X-Verified: verified'] })
    expect(values(sent().request, MARK)).toEqual([mark('unverified')])
  })

  test('enforce: edge – it is refused with the generic reason, and nothing goes inside', () => {
    const { fromOutside, sends, log } = proxyBed({ provider: { verification: 'contacts' } })
    const { answers } = fromOutside({ lines: ['X-Verified: verified'] })
    expect(sends).toEqual([])
    expect(answers).toMatchObject([{ status: 403, reason: expect.not.stringMatching(/level|contact list/) }])
    expect(answers[0]?.headers).toEqual([])
    expect(log.lines).toMatchObject([
      {
        message: 'refused',
        fields: {
          ...{ reason: 'not-a-contact', step: 'level' },
          ...{ address: '192.0.2.9', listener: 'outside-tls' },
        },
      },
    ])
  })

  test('its response goes out without what is for the inside', () => {
    const { fromOutside, sent } = proxyBed()
    const { answers } = fromOutside()
    sent().end(
      outcome(403, [
        ...FORGED,
        'P-Charging-Vector: x',
        'P-Access-Network-Info: x',
        'ms-diagnostics-public: 1000;reason="x"',
        'Warning: 399 x "y"',
      ]),
    )
    expect(answers[0]?.headers).toEqual([
      ['Ms-Diagnostics-Public', '1000;reason="x"'],
      ['Warning', '399 x "y"'],
    ])
  })

  test('a home server that was not found, or does not answer: 480', () => {
    const nowhere = proxyBed({ places: [] }).fromOutside()
    expect(nowhere.answers.map(({ status }) => status)).toEqual([480])
    const { fromOutside, sent } = proxyBed()
    const { answers } = fromOutside()
    sent().end({ kind: 'timeout' })
    expect(answers.map(({ status }) => status)).toEqual([480])
  })

  test('RFC 5630 §3.3: sips: goes over TLS alone', () => {
    const uri = 'sips:romeo@sip.example'
    const clear = proxyBed()
    expect(clear.fromOutside({ uri }).answers.map(({ status }) => status)).toEqual([480])
    expect(clear.sends).toEqual([])
    const mixed = proxyBed({ places: [at(), at({ transport: 'tls', port: 5061 })] })
    mixed.fromOutside({ uri })
    mixed.sent().end({ kind: 'timeout' })
    expect(mixed.sends.map(({ hop }) => hop.transport)).toEqual(['tls'])
    expect(uriText(mixed.sent().request.uri)).toBe(uri)
  })
})

describe('a request from a home server to a provider', () => {
  test('goes to its access edge over TLS, on behalf of our domain, and its answer back', async () => {
    const { fromHome, sent } = proxyBed()
    const { answers } = await fromHome()
    expect(sent().hop).toMatchObject({ transport: 'tls', side: 'outside', names: [EDGE], as: 'sip.example' })
    sent().end(outcome(200))
    expect(answers.map(({ status }) => status)).toEqual([200])
  })

  test('private header fields stay inside; ms-diagnostics-public goes out', async () => {
    const { fromHome, sent } = proxyBed()
    const lines = [...FORGED, 'P-Charging-Vector: x', 'P-Access-Network-Info: x', 'ms-diagnostics-public: 1']
    await fromHome({ lines })
    const names = sent()
      .request.headers.fields()
      .map(([name]) => name)
    for (const name of [MARK, ...NAMES, 'P-Charging-Vector', 'P-Access-Network-Info'])
      expect(names).not.toContain(name)
    expect(names).toContain('Ms-Diagnostics-Public')
  })

  test.for<[string, 'verified' | 'contacts' | 'all', readonly string[], 'verified' | 'unverified']>([
    ['verified', 'verified', ['X-Verified: verified'], 'verified'],
    ['verified', 'verified', [], 'unverified'],
    ['contacts', 'contacts', ['X-Verified: verified'], 'unverified'],
    ['all', 'all', [], 'verified'],
  ])('its response is marked like a request at level %s', async ([, verification, lines, expected]) => {
    const { fromHome, sent } = proxyBed({ provider: { verification } })
    const { answers } = await fromHome()
    sent().end(outcome(200, [...FORGED, ...lines, 'Server: s']))
    const headers = answers[0]?.headers ?? []
    expect(headers).toEqual([
      ['Server', 's'],
      [MARK, mark(expected)],
    ])
  })

  test('so are provisional responses, and each 2xx of a fork', async () => {
    const { fromHome, invited } = proxyBed()
    const { answers } = await fromHome({ method: 'INVITE' })
    invited().on.provisional(response(180, FORGED, 'INVITE'))
    invited().on.success(response(200, FORGED, 'INVITE'))
    invited().on.success(response(200, FORGED, 'INVITE'))
    const said = answers.map(({ status, headers }) => [
      status,
      headers.filter(([name]) => name !== 'Record-Route'),
    ])
    expect(said).toEqual([180, 200, 200].map((status) => [status, [[MARK, mark('verified')]]]))
  })

  test('goes to the second access edge where the first does not answer', async () => {
    const second = 'edge2.partner.example'
    const { fromHome, sends, sent } = proxyBed({
      provider: { accessEdges: [domain(EDGE), domain(second)] },
      edges: (host) => [tls(host, host === EDGE ? '192.0.2.1' : '192.0.2.2')],
    })
    const { answers } = await fromHome()
    expect(sends.map(({ hop }) => hop.names)).toEqual([[EDGE]])
    sent().end({ kind: 'transport-failure', reason: 'ECONNREFUSED' })
    expect(sends.map(({ hop }) => hop.names)).toEqual([[EDGE], [second]])
    expect(answers).toEqual([])
    sent(1).end(outcome(200))
    expect(answers.map(({ status }) => status)).toEqual([200])
    await fromHome()
    expect(sent(2).hop.names).toEqual([second])
  })

  test('that is refused hears the whole reason', async () => {
    const { fromHome, sends } = proxyBed({ provider: { enabled: false } })
    const { answers } = await fromHome()
    expect(sends).toEqual([])
    expect(answers).toMatchObject([
      { status: 403, headers: [['Ms-Diagnostics', expect.stringContaining('rule=provider-disabled')]] },
    ])
  })

  test('to a provider that is nowhere: 480, and a warning', async () => {
    const { fromHome, log } = proxyBed({ edges: () => [] })
    const { answers } = await fromHome()
    expect(answers.map(({ status }) => status)).toEqual([480])
    expect(log.lines.map(({ message }) => message)).toEqual(['no way to a SIP peer'])
  })

  test('waits with those behind it until the provider is found, in their order', async () => {
    const { fromHome, sends } = proxyBed()
    const both = [fromHome({ callId: 'first' }), fromHome({ callId: 'second' })]
    expect(sends).toEqual([])
    await Promise.all(both)
    expect(sends.map(({ request }) => values(request, 'Call-ID')[0])).toEqual(['first', 'second'])
  })
})

describe('a request that begins a dialog', () => {
  const routes = (method: string, to: string, ends: 'in' | 'out') => async () => {
    const bed = proxyBed()
    if (ends === 'in') bed.fromOutside({ method, to })
    else await bed.fromHome({ method, to })
    const request = (bed.invites[0] ?? bed.sends[0])?.request
    return request === undefined ? [] : values(request, 'Record-Route')
  }

  test('gets two routes of ours: each side sees the listener that faces it (RFC 5658 §4)', async () => {
    for (const method of ['INVITE', 'SUBSCRIBE', 'REFER']) {
      const inward = await routes(method, ROMEO, 'in')()
      expect(inward).toHaveLength(2)
      expect(inward[0]).toMatch(/^<sip:127\.0\.0\.1:5060;transport=udp;lr;pass=[\w.-]+>$/)
      expect(inward[1]).toMatch(/^<sip:edge\.sip\.example:5061;transport=tls;lr;pass=[\w.-]+>$/)
      const outward = await routes(method, PARIS, 'out')()
      expect(outward.map((route) => route.slice(5, 14))).toEqual(['edge.sip.', '127.0.0.1'])
    }
  })

  test('but none where it is in a dialog already, or begins none', async () => {
    expect(await routes('INVITE', `${ROMEO};tag=t`, 'in')()).toEqual([])
    for (const method of ['MESSAGE', 'OPTIONS', 'PUBLISH', 'INFO'])
      expect(await routes(method, ROMEO, 'in')()).toEqual([])
  })

  test('every NOTIFY gets them too, since a subscriber takes its route from it (RFC 6665 §4.3)', async () => {
    expect(await routes('NOTIFY', `${ROMEO};tag=t`, 'in')()).toHaveLength(2)
    expect(await routes('NOTIFY', `${PARIS};tag=t`, 'out')()).toHaveLength(2)
  })

  test('they are sips: URIs over TLS where the Request-URI is one (RFC 3261 §16.6 (4))', () => {
    const { fromOutside, invited } = proxyBed({ places: [at({ transport: 'tls', port: 5061 })] })
    fromOutside({ method: 'INVITE', uri: 'sips:romeo@sip.example' })
    const [far, near] = values(invited().request, 'Record-Route')
    expect(near).toMatch(/^<sips:edge\.sip\.example:5061;lr;pass=/)
    // The listener that the test has inside speaks UDP.
    expect(far).toMatch(/^<sip:127\.0\.0\.1:5060;transport=udp;lr;pass=/)
  })

  test('whoever comes back with them is within, from either side, as often as it likes', async () => {
    const { fromOutside, fromHome, invited, sends, sent } = proxyBed({
      provider: { verification: 'contacts' },
    })
    await fromHome({ method: 'INVITE', callId: 'd' })
    const recorded = values(invited().request, 'Record-Route')
    const route = `Route: ${recorded.join(', ')}`
    // Paris is no contact of Romeo's: it is the dialog that lets it in.
    fromOutside({
      method: 'BYE',
      callId: 'd',
      uri: 'sip:romeo@192.0.2.77:5062',
      to: `${ROMEO};tag=r`,
      lines: [route],
    })
    expect(sends).toHaveLength(1)
    expect(uriText(sent().request.uri)).toBe('sip:romeo@192.0.2.77:5062')
    expect(values(sent().request, 'Route')).toEqual([])
    const back = [...recorded].reverse().join(', ')
    await fromHome({
      method: 'INFO',
      callId: 'd',
      uri: 'sip:paris@203.0.113.5',
      to: `${PARIS};tag=p`,
      lines: [`Route: ${back}, <sip:far.partner.example;lr>`],
    })
    expect(sent(1).hop.names).toEqual([EDGE])
    expect(values(sent(1).request, 'Route')).toEqual(['<sip:far.partner.example;lr>'])
  })

  test('a day later levels are asked again', async () => {
    const { fromOutside, fromHome, invited, sends, time } = proxyBed({
      provider: { verification: 'contacts' },
    })
    await fromHome({ method: 'INVITE', callId: 'd' })
    const route = `Route: ${values(invited().request, 'Record-Route').join(', ')}`
    const bye = {
      method: 'BYE',
      callId: 'd',
      uri: 'sip:romeo@192.0.2.77',
      to: `${ROMEO};tag=r`,
      lines: [route],
    }
    for (let hour = 0; hour < 25; hour++) time.pass(3_600_000)
    expect(fromOutside(bye).answers.map(({ status }) => status)).toEqual([403])
    expect(sends).toEqual([])
  }, 60_000)
})

describe('no transit', () => {
  test.for([
    ['from one provider to another domain of its own', 'sip:x@partner.example', 403],
    ['from a SIP provider to an XMPP one', 'sip:juliet@xmpp.example', 403],
    ['from a provider to a domain that nobody knows', 'sip:x@nowhere.example', 403],
  ] as const)('%s', ([, uri, status]) => {
    const { fromOutside, sends, out } = proxyBed()
    const { answers } = fromOutside({ uri })
    expect(answers.map((answer) => answer.status)).toEqual([status])
    expect([sends, out]).toEqual([[], []])
  })

  test('from XMPP to a SIP provider', () => {
    const { fromJuliet, sends } = proxyBed()
    const arrival = fromJuliet({ to: 'paris@partner.example' })
    expect(arrival.endings).toMatchObject([{ kind: 'refused', reason: 'no-transit' }])
    expect(sends).toEqual([])
  })

  test('from XMPP in the name of a user of ours', async () => {
    const { fromJuliet, sends } = proxyBed()
    const arrival = fromJuliet({ from: 'romeo@sip.example', to: 'paris@partner.example' })
    await settled()
    expect(arrival.endings).toMatchObject([{ kind: 'refused', reason: 'domain-not-proved' }])
    expect(sends).toEqual([])
  })
})

describe('a request that has been here', () => {
  test('unchanged: 482', () => {
    const { fromOutside, sends, sent, counters } = proxyBed()
    fromOutside()
    const branch = `z9hG4bKx.${sent().options?.forwarded?.loop}`
    const { answers } = fromOutside({
      via: ['SIP/2.0/TLS 192.0.2.9;branch=z9hG4bKb', `SIP/2.0/UDP 127.0.0.1:5060;branch=${branch}`],
    })
    expect(answers.map(({ status }) => status)).toEqual([482])
    expect(sends).toHaveLength(1)
    expect(counters.get('refused.loop')).toBe(1)
  })

  test('with another Request-URI it is a spiral, and goes on', () => {
    const { fromOutside, sends, sent } = proxyBed()
    fromOutside()
    const branch = `z9hG4bKx.${sent().options?.forwarded?.loop}`
    fromOutside({
      uri: 'sip:tybalt@sip.example',
      via: ['SIP/2.0/TLS 192.0.2.9;branch=z9hG4bKb', `SIP/2.0/UDP 127.0.0.1:5060;branch=${branch}`],
    })
    expect(sends).toHaveLength(2)
  })

  test('without hops left: 483', () => {
    const { fromOutside, sends } = proxyBed()
    const { answers } = fromOutside({ lines: ['Max-Forwards: 0'] })
    expect(answers.map(({ status }) => status)).toEqual([483])
    expect(sends).toEqual([])
  })
})

describe('an ACK for a 2xx', () => {
  test('is passed on to the home server, marked and without what is not trusted', () => {
    const { ackFromOutside, acks } = proxyBed()
    ackFromOutside({ to: `${ROMEO};tag=t`, lines: ['Max-Forwards: 70', ...FORGED] })
    expect(acks).toHaveLength(1)
    const [ack] = acks
    expect(ack?.hop).toMatchObject({ side: 'inside', port: 5070 })
    if (ack === undefined) return
    expect(values(ack.request, MARK)).toEqual([mark('verified')])
    expect(values(ack.request, 'P-Asserted-Identity')).toEqual([])
    expect(values(ack.request, 'Max-Forwards')).toEqual(['69'])
  })

  test('is passed on to the provider', async () => {
    const { ackFromHome, acks } = proxyBed()
    await ackFromHome({ to: `${PARIS};tag=t` })
    expect(acks.map(({ hop }) => hop.names)).toEqual([[EDGE]])
  })

  test.for<[string, Parameters<ReturnType<typeof proxyBed>['ackFromOutside']>]>([
    ['by whoever proves nothing', [{}, { identity: undefined }]],
    ['by whoever’s certificate names nobody', [{}, { identity: [] }]],
    ['in the name of a user of ours', [{ from: `${ROMEO};tag=r` }]],
    ['to another provider', [{ uri: 'sip:juliet@xmpp.example' }]],
    ['to an address inside', [{ uri: 'sip:romeo@127.0.0.1' }]],
    ['with a Route that cannot be read', [{ lines: ['Route: <sip:'] }]],
  ])('goes nowhere when it is sent %s', ([, args]) => {
    const { ackFromOutside, acks, sends } = proxyBed()
    ackFromOutside(...args)
    expect([acks, sends]).toEqual([[], []])
  })

  test('goes nowhere where the rules refuse, and is counted', () => {
    const { ackFromOutside, acks, counters } = proxyBed({ provider: { verification: 'contacts' } })
    ackFromOutside()
    expect(acks).toEqual([])
    expect(counters.get('sip.ack-dropped')).toBe(1)
  })

  test('that is looping goes nowhere', () => {
    const { ackFromOutside, acks } = proxyBed()
    const to = `${ROMEO};tag=t`
    ackFromOutside({ to })
    const ours = `SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx.${acks[0]?.options?.forwarded?.loop}`
    ackFromOutside({ to, via: ['SIP/2.0/TLS 192.0.2.9;branch=z9hG4bKb', ours] })
    expect(acks).toHaveLength(1)
    ackFromOutside({ to, cseq: 2, via: ['SIP/2.0/TLS 192.0.2.9;branch=z9hG4bKb', ours] })
    expect(acks).toHaveLength(2)
  })
})

describe('learning', () => {
  function learning() {
    const learned: string[] = []
    const lessons = new Learning({
      contacts: {
        learn: (own, other) => {
          learned.push(`${textOfAddress(own)} ${textOfAddress(other)}`)
          return 'learned' as never
        },
        unlearn: () => {},
      },
      snapshot: () => bed.rig.snapshot,
    })
    const bed = proxyBed({ delivered: lessons.delivered, provider: { verification: 'contacts' } })
    return { ...bed, learned }
  }
  const text = ['Max-Forwards: 70', 'Content-Type: text/plain']

  test.for([
    ['a MESSAGE that was taken', 'MESSAGE', 200, true],
    ['a MESSAGE that was accepted', 'MESSAGE', 202, true],
    ['a MESSAGE that was refused', 'MESSAGE', 404, false],
    ['a MESSAGE that found nobody', 'MESSAGE', 503, false],
    ['a subscription', 'SUBSCRIBE', 200, true],
    ['a subscription that was refused', 'SUBSCRIBE', 403, false],
    ['a NOTIFY', 'NOTIFY', 200, false],
  ] as const)('of whom our user has written to: %s', async ([, method, status, expected]) => {
    const { fromHome, sent, learned } = learning()
    await fromHome({ method, lines: text, body: 'hello' })
    sent().end(outcome(status, [], method))
    expect(learned).toEqual(expected ? ['romeo@sip.example paris@partner.example'] : [])
  })

  test('nothing that comes in teaches anything', () => {
    const { fromOutside, sent, learned, rule } = learning()
    rule({ contacts: [contacts({ allow: [byAddress('paris@partner.example')] })] })
    fromOutside({ lines: text, body: 'hello' })
    sent().end(outcome(200))
    expect(learned).toEqual([])
  })
})

test('who may come in by one provider may not by the other’s certificate', () => {
  const { fromOutside, sends } = proxyBed({
    federation: {
      providers: [
        sipProvider({ verification: 'all' }),
        sipProvider({
          name: 'Other',
          verification: 'all',
          domains: [pattern('other.example')],
          accessEdges: [domain('edge.other.example')],
        }),
      ],
    },
  })
  const { answers } = fromOutside({}, { identity: ['edge.other.example'] })
  expect(answers.map(({ status }) => status)).toEqual([403])
  expect(sends).toEqual([])
})

test('when we stop, a call that rings is cancelled below and refused above', async () => {
  const { fromOutside, invited, pipeline, time } = proxyBed()
  const { answers } = fromOutside({ method: 'INVITE' })
  invited().on.provisional(sipResponse(180))
  const drained = pipeline.drain(1_000)
  time.pass(1_000)
  expect(await drained).toBe(false)
  expect(answers.map(({ status }) => status)).toEqual([180, 503])
  expect(invited().cancels).toEqual([[]])
  invited().on.done({ kind: 'response', response: sipResponse(487) })
})
