import { describe, expect, test } from 'vitest'
import { LoopDetection } from '../../../src/sip/proxy/loop.ts'
import { countingRandom } from '../../edge/support.ts'
import { type RequestParts, request } from './bed.ts'

const own = new Set(['edge.sip.example:5061', '127.0.0.1:5060'])
const detection = () => new LoopDetection({ random: countingRandom(), own: () => own })

/** A request that has been here, as `before`, and comes back as `now` below the Via we put on it then. */
function comesBack(before: RequestParts, now: RequestParts, via = 'SIP/2.0/UDP 127.0.0.1:5060'): boolean {
  const loops = detection()
  const ours = `${via};branch=z9hG4bKx.${loops.fingerprint(request(before))}`
  const again = request({ ...now, via: ['SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKb', ours, ...(now.via ?? [])] })
  return loops.isLooping(again, loops.fingerprint(again))
}

describe('RFC 5393 §4.2', () => {
  test('a request that comes back unchanged is looping', () => {
    expect(comesBack({}, {})).toBe(true)
  })

  test('so it is after a listener of ours whose port is the default', () => {
    expect(comesBack({}, {}, 'SIP/2.0/TLS edge.sip.example')).toBe(true)
    expect(comesBack({}, {}, 'SIP/2.0/UDP EDGE.sip.example:5061')).toBe(true)
  })

  test.for<[string, RequestParts]>([
    ['Request-URI', { uri: 'sip:romeo@192.0.2.77' }],
    ['To tag', { to: '<sip:romeo@sip.example>;tag=t' }],
    ['From tag', { from: '<sip:paris@partner.example>;tag=other' }],
    ['Call-ID', { callId: 'other' }],
    ['CSeq', { cseq: 2 }],
    ['Route', { lines: ['Route: <sip:far.example;lr>'] }],
    ['Proxy-Require', { lines: ['Proxy-Require: x'] }],
    ['Proxy-Authorization', { lines: ['Proxy-Authorization: Digest username="a"'] }],
  ])('with another %s it is a spiral', ([, now]) => {
    expect(comesBack({}, now)).toBe(false)
  })

  test('what changes at every hop does not hide a loop', () => {
    expect(comesBack({ lines: ['Max-Forwards: 70'] }, { lines: ['Max-Forwards: 60', 'X-Hop: 1'] })).toBe(true)
  })

  test('§4.2.1: the fingerprint does not vary with the method', () => {
    const loops = detection()
    expect(loops.fingerprint(request({ method: 'INVITE' }))).toBe(
      loops.fingerprint(request({ method: 'CANCEL' })),
    )
  })

  test('the same branch under a Via of another proxy is not ours', () => {
    expect(comesBack({}, {}, 'SIP/2.0/UDP other.example:5060')).toBe(false)
    expect(comesBack({}, {}, 'SIP/2.0/UDP 127.0.0.1:5062')).toBe(false)
  })

  test('ours is found among others, in one line and in several', () => {
    const loops = detection()
    const print = loops.fingerprint(request())
    const ours = `SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx.${print}`
    const other = 'SIP/2.0/UDP other.example;branch=z9hG4bKo'
    const first = 'SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKa'
    for (const via of [[first, other, ours], [`${first}, ${other}, ${ours}`], [first, `${other}, ${ours}`]]) {
      expect(loops.isLooping(request({ via }), print)).toBe(true)
    }
  })

  test('a Via below the first that cannot be read is passed over', () => {
    const loops = detection()
    const print = loops.fingerprint(request())
    const via = [
      'SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKa',
      'rubbish',
      `SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx.${print}`,
    ]
    expect(loops.isLooping(request({ via }), print)).toBe(true)
  })

  test('another process, with another secret, does not take it for its own', () => {
    const random = countingRandom()
    const [one, two] = [
      new LoopDetection({ random, own: () => own }),
      new LoopDetection({ random, own: () => own }),
    ]
    expect(one.fingerprint(request())).not.toBe(two.fingerprint(request()))
  })
})
