import { describe, expect, test } from 'vitest'
import { routedBy } from '../../../src/sip/proxy/routes.ts'
import { uriText } from '../../../src/sip/uri-write.ts'
import { isOwn, request } from './bed.ts'

const EDGE = '<sip:edge.sip.example:5061;transport=tls;lr;pass=a>'
const INSIDE = '<sip:127.0.0.1:5060;transport=udp;lr;pass=a>'
const HOME = '<sip:home.sip.example;lr>'
const FAR = '<sip:far.example;lr>'

function routed(uri: string, ...lines: readonly string[]) {
  const result = routedBy(request({ uri, lines: lines.map((line) => `Route: ${line}`) }), isOwn)
  if (result === undefined) return undefined
  return { uri: uriText(result.uri), own: result.own.map(uriText), rest: result.rest }
}

const plain = (uri: string): string => uri.slice(1, -1)

describe('RFC 3261 §16.4', () => {
  const uri = 'sip:romeo@192.0.2.77:5062'

  test('without a Route nothing changes', () => {
    expect(routed(uri)).toEqual({ uri, own: [], rest: [] })
  })

  test('our own routes at the top are taken off, both of them', () => {
    expect(routed(uri, EDGE, INSIDE, HOME)).toEqual({ uri, own: [plain(EDGE), plain(INSIDE)], rest: [HOME] })
  })

  test('in one line or in several is the same', () => {
    expect(routed(uri, `${EDGE}, ${INSIDE},${HOME}`, FAR)).toEqual(routed(uri, EDGE, INSIDE, HOME, FAR))
  })

  test('a foreign one first hides ours: it is not taken off', () => {
    expect(routed(uri, FAR, EDGE)).toEqual({ uri, own: [], rest: [FAR, EDGE] })
  })

  test('ours below a foreign one stays', () => {
    expect(routed(uri, EDGE, FAR, INSIDE)).toEqual({ uri, own: [plain(EDGE)], rest: [FAR, INSIDE] })
  })

  test('parameters and display names of the others survive', () => {
    const odd = '"Far, far" <sip:far.example;lr;x=%41>;y="z, z"'
    expect(routed(uri, EDGE, odd)?.rest).toEqual([odd])
  })

  test.for([
    ['not closed', '<sip:far.example;lr'],
    ['not a URI', '<far.example>'],
    ['empty', ''],
    ['one good and one bad', `${EDGE}, <sip:>`],
  ] as const)('a Route that cannot be read: %s', ([, line]) => {
    expect(routed(uri, line)).toBeUndefined()
  })

  test('a route of another scheme is foreign', () => {
    expect(routed(uri, '<tel:+15551234>')).toEqual({ uri, own: [], rest: ['<tel:+15551234>'] })
  })
})

describe('RFC 3261 §16.4: a strict router before us', () => {
  test('has put our Record-Route into the Request-URI: the last route is the Request-URI again', () => {
    expect(routed(plain(EDGE), HOME, '<sip:romeo@192.0.2.77>')).toEqual({
      uri: 'sip:romeo@192.0.2.77',
      own: [plain(EDGE)],
      rest: [HOME],
    })
  })

  test('and our second one on top of the Route', () => {
    expect(routed(plain(EDGE), INSIDE, '<sip:romeo@192.0.2.77>')).toEqual({
      uri: 'sip:romeo@192.0.2.77',
      own: [plain(EDGE), plain(INSIDE)],
      rest: [],
    })
  })

  test('a last route that is no SIP URI can be no target', () => {
    expect(routed(plain(EDGE), HOME, '<im:romeo@sip.example>')).toBeUndefined()
    expect(routed(plain(EDGE), '<tel:+15551234>')).toBeUndefined()
  })

  test('without a Route there is nothing to put right', () => {
    expect(routed(plain(EDGE))).toEqual({ uri: plain(EDGE), own: [], rest: [] })
  })

  test('without lr it is not what we wrote', () => {
    const uri = 'sip:edge.sip.example:5061'
    expect(routed(uri, FAR)).toEqual({ uri, own: [], rest: [FAR] })
  })

  test('another host with lr is not ours', () => {
    const uri = 'sip:elsewhere.example:5061;lr'
    expect(routed(uri, FAR)).toEqual({ uri, own: [], rest: [FAR] })
  })
})
