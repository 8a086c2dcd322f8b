import { describe, expect, test } from 'vitest'
import { insideHops } from '../../src/edge/inside-hops.ts'
import { insideRoutes, insideUri } from '../../src/edge/inside-target.ts'
import type { Destination } from '../../src/edge/reach.ts'
import { uriText } from '../../src/sip/uri-write.ts'
import { home, snapshot } from '../federation/fixtures.ts'
import { request, sipUri } from '../sip/proxy/bed.ts'
import { at, incoming } from './sip-support.ts'

const HOME = home({ addresses: ['127.0.0.1', '::1'] })
const UDP = at()
const TLS = at({ transport: 'tls', port: 5061, host: 'home.sip.example' })

const passing = (parts: { uri?: string; rest?: readonly string[]; within?: boolean }) => ({
  incoming: incoming(request()).value,
  routed: { uri: sipUri(parts.uri ?? 'sip:romeo@192.0.2.77'), own: [], rest: parts.rest ?? [] },
  within: parts.within ?? true,
})

const hops = (parts: Parameters<typeof passing>[0], places: readonly Destination[] = [UDP]) =>
  insideHops(passing(parts), HOME, places)
const short = ({ transport, address, port, side }: Destination): string =>
  `${transport} ${address} ${port} ${side}`

describe('RFC 3261 §12.2.1.1: within an admitted dialog a request follows its route to the home server', () => {
  test.for([
    ['by its Route', { rest: ['<sip:127.0.0.1:5070;lr>'] }, 'udp 127.0.0.1 5070 inside'],
    [
      'by its Route, over TCP',
      { rest: ['<sip:127.0.0.1:5070;transport=TCP;lr>'] },
      'tcp 127.0.0.1 5070 inside',
    ],
    ['at the port of SIP where none is said', { rest: ['<sip:127.0.0.1;lr>'] }, 'udp 127.0.0.1 5060 inside'],
    ['by its Request-URI without a Route', { uri: 'sip:romeo@127.0.0.1:5070' }, 'udp 127.0.0.1 5070 inside'],
    [
      'by the port of its Contact, over UDP',
      { uri: 'sip:romeo@127.0.0.1:5099' },
      'udp 127.0.0.1 5099 inside',
    ],
    ['over IPv6', { rest: ['<sip:[::1]:5060;lr>'] }, 'udp ::1 5060 inside'],
  ] as const)('%s', ([, parts, expected]) => {
    expect(hops(parts).map(short)).toEqual([expected])
  })

  test.for([
    ['another host inside, by a Route', { rest: ['<sip:10.0.0.99;lr>'] }],
    ['another host inside, by the Request-URI', { uri: 'sip:romeo@10.0.0.99' }],
    ['a name that may be any host', { rest: ['<sip:localhost;lr>'] }],
    ['another service of the home server', { rest: ['<sip:127.0.0.1:6379;transport=tcp;lr>'] }],
    ['another transport', { rest: ['<sip:127.0.0.1:5070;transport=tls;lr>'] }],
    ['maddr', { rest: ['<sip:10.0.0.99;maddr=127.0.0.1;lr>'] }],
    ['its own maddr', { rest: ['<sip:127.0.0.1:5070;maddr=10.0.0.99;lr>'] }],
    ['a display name that looks like a route', { rest: ['"<sip:127.0.0.1:5060>" <sip:10.0.0.99;lr>'] }],
    ['a scheme that is not sip', { rest: ['<sips:127.0.0.1:5070;lr>'] }],
    ['a second Route', { rest: ['<sip:10.0.0.99;lr>', '<sip:127.0.0.1:5070;lr>'] }],
  ] as const)('but nobody outside chooses %s', ([, parts]) => {
    expect(hops(parts)).toEqual([UDP])
  })

  test('outside of a dialog it goes to the next hop', () => {
    expect(hops({ rest: ['<sip:127.0.0.1:5060;lr>'], within: false })).toEqual([UDP])
  })

  test('a home server over TLS is reached by its name alone', () => {
    expect(hops({ rest: ['<sip:127.0.0.1:5070;lr>'] }, [TLS])).toEqual([TLS])
  })

  test('a home server that was not found is nowhere', () => {
    expect(hops({ rest: ['<sip:127.0.0.1:5070;lr>'] }, [])).toEqual([])
  })
})

describe('what a home server gets of a Request-URI from outside', () => {
  const uri = (text: string, within = false): string =>
    uriText(insideUri(passing({ uri: text, within }), snapshot()))

  test.for([
    ['a host by maddr', 'sip:romeo@sip.example;maddr=10.0.0.99', 'sip:romeo@sip.example'],
    ['a port', 'sip:romeo@sip.example:22', 'sip:romeo@sip.example'],
    ['a transport', 'sip:romeo@sip.example;transport=tcp', 'sip:romeo@sip.example'],
    ['lr, ttl and method', 'sip:romeo@sip.example;lr;ttl=1;method=REGISTER', 'sip:romeo@sip.example'],
    ['header fields', 'sip:romeo@sip.example?Route=%3Csip:10.0.0.99%3E', 'sip:romeo@sip.example'],
    ['the same with another spelling', 'sip:romeo@SIP.example;%6D%61ddr=10.0.0.99', 'sip:romeo@sip.example'],
  ] as const)('it names a user of ours, not %s', ([, given, expected]) => {
    expect(uri(given)).toBe(expected)
  })

  test.for(['sip:romeo@sip.example;user=phone', 'sips:romeo@sip.example;gr=urn:uuid:1'])(
    'what concerns the user stays: %s',
    (given) => {
      expect(uri(given)).toBe(given)
    },
  )

  test('within an admitted dialog it is the device’s, as it is', () => {
    const device = 'sip:romeo@192.0.2.77:5062;transport=tcp'
    expect(uri(device, true)).toBe(device)
    expect(uri('sip:romeo@sip.example:5070;transport=tcp', true)).toBe(
      'sip:romeo@sip.example:5070;transport=tcp',
    )
  })
})

describe('what a home server gets of a Route from outside', () => {
  const routes = (rest: readonly string[], within = false) =>
    insideRoutes(passing({ rest, within }), HOME, [UDP, TLS])

  test('within an admitted dialog all of it', () => {
    const rest = ['<sip:127.0.0.1:5070;lr>', '<sip:10.0.0.7;lr>']
    expect(routes(rest, true)).toEqual(rest)
  })

  test('otherwise what leads to itself, by address or name', () => {
    const own = ['<sip:127.0.0.1:5070;lr>', '<sip:[::1];lr>', '<sip:home.sip.example;lr>']
    expect(routes(own)).toEqual(own)
  })

  test.for([
    '<sip:10.0.0.99;lr>',
    '<sip:10.0.0.99;lr;maddr=127.0.0.1>',
    '<sip:127.0.0.1;lr;maddr=10.0.0.99>',
    '<sip:127.0.0.1:6379;transport=tcp;lr>',
    '"<sip:127.0.0.1>" <sip:10.0.0.99;lr>',
    '<tel:+15551234>',
  ])('%s goes no further, wherever it stands', (foreign) => {
    expect(routes([foreign, '<sip:127.0.0.1;lr>'])).toEqual(['<sip:127.0.0.1;lr>'])
    expect(routes(['<sip:127.0.0.1;lr>', foreign])).toEqual(['<sip:127.0.0.1;lr>'])
  })
})
