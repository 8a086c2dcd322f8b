import { describe, expect, test } from 'vitest'
import { DialogPass } from '../../src/edge/dialog-pass.ts'
import { fakeTime } from '../kernel/fake-time.ts'
import { type RequestParts, request } from '../sip/proxy/bed.ts'
import { countingRandom } from './support.ts'

const DAY = 86_400_000

const PARIS = '<sip:paris@partner.example>'
const ROMEO = '<sip:romeo@sip.example>'
const HOUR = 3_600_000

const BEGIN: RequestParts = { method: 'INVITE', callId: 'c', from: `${PARIS};tag=p`, to: ROMEO }
/** In the dialog: from him who began it, and back. */
const THERE: RequestParts = { callId: 'c', from: `${PARIS};tag=p`, to: `${ROMEO};tag=r` }
const BACK: RequestParts = { callId: 'c', from: `${ROMEO};tag=r`, to: `${PARIS};tag=p` }

function pass() {
  let now = 1_000
  const clock = { now: () => now }
  const one = new DialogPass(countingRandom(), clock, DAY)
  const mark = one.for(request(BEGIN))
  return {
    mark,
    wait: (ms: number) => {
      now += ms
    },
    admits: (parts: RequestParts, other = mark) => one.admits(other, request(parts)),
  }
}

describe('the mark of an admitted dialog', () => {
  test('is good in both directions, for any method', () => {
    const { admits } = pass()
    expect(admits(THERE)).toBe('current')
    expect(admits(BACK)).toBe('current')
    for (const method of ['BYE', 'INFO', 'NOTIFY', 'ACK'])
      expect(admits({ ...THERE, method })).toBe('current')
  })

  test('can stand in a URI parameter', () => {
    expect(pass().mark).toMatch(/^[A-Za-z0-9._-]+$/)
  })

  test('is good for every branch of a fork', () => {
    expect(pass().admits({ ...THERE, to: `${ROMEO};tag=another-phone` })).toBe('current')
  })

  test('names people, not devices: how their URIs are dressed is no matter', () => {
    const { admits } = pass()
    expect(admits({ ...THERE, to: '"R" <sip:romeo@sip.example:5060;transport=tcp>;tag=r' })).toBe('current')
  })

  test.for<[string, RequestParts]>([
    ['another dialog', { ...THERE, callId: 'other' }],
    ['another tag of him who began it', { ...THERE, from: `${PARIS};tag=x` }],
    ['another sender with the same tag', { ...THERE, from: '<sip:mercutio@partner.example>;tag=p' }],
    ['another recipient', { ...THERE, to: '<sip:tybalt@sip.example>;tag=r' }],
    ['the same user of another domain', { ...THERE, from: '<sip:paris@other.example>;tag=p' }],
    ['the way back from somebody else', { ...BACK, from: '<sip:tybalt@sip.example>;tag=r' }],
    ['the way back with the tags changed over', { ...BACK, from: `${ROMEO};tag=p`, to: `${PARIS};tag=r` }],
    ['a request that begins a dialog', BEGIN],
    ['a request without a From tag', { ...THERE, from: PARIS }],
  ])('is not good for %s', ([, parts]) => {
    expect(pass().admits(parts)).toBeUndefined()
  })

  test.for(['', '.', 'x', '0.', '.aaaaaaaaaaaaaaaaaaaa', '0.aaaaaaaaaaaaaaaaaaaa', 'NaN.é', '%00'])(
    'is not %s',
    (mark) => {
      expect(pass().admits(THERE, mark)).toBeUndefined()
    },
  )

  test('cannot be made younger', () => {
    const { mark, admits, wait } = pass()
    wait(30 * HOUR)
    const [, mac] = mark.split('.')
    expect(admits(THERE, `${(30).toString(36)}.${mac}`)).toBeUndefined()
  })

  test('lets pass for a day, and after that only says whom the dialog joins', () => {
    const { admits, wait } = pass()
    wait(23 * HOUR)
    expect(admits(THERE)).toBe('current')
    wait(HOUR)
    expect(admits(THERE)).toBe('old')
  })

  test('of another process is not known', () => {
    const { clock } = fakeTime()
    const random = countingRandom()
    const [one, two] = [new DialogPass(random, clock, DAY), new DialogPass(random, clock, DAY)]
    expect(two.admits(one.for(request(BEGIN)), request(THERE))).toBeUndefined()
  })
})
