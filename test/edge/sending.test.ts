import { expect, test } from 'vitest'
import { Challenges } from '../../src/edge/challenges.ts'
import { PeerHealth } from '../../src/edge/peer-health.ts'
import { Reach } from '../../src/edge/reach.ts'
import { sendingTo } from '../../src/edge/sending.ts'
import type { Home } from '../../src/federation/model.ts'
import type { Outcome } from '../../src/sip/endpoint/endpoint.ts'
import type { SipRequest } from '../../src/sip/message.ts'
import { home } from '../federation/fixtures.ts'
import { outgoing } from '../sip/endpoint/bed.ts'
import { at, OK, UDP } from './sip-support.ts'
import { countingRandom, recordingLog, sipResponse } from './support.ts'

const CREDENTIALS = { realm: 'sip.example', username: 'dragoman', password: { env: 'X' } } as const

function rig(passwords: Readonly<Record<string, string>> = { main: 'mercury' }) {
  const log = recordingLog()
  const clock = { now: 0 }
  const reach = new Reach({ now: () => 0 })
  const begin = sendingTo({
    challenges: new Challenges({
      random: countingRandom(),
      passwordOf: (name) => passwords[name],
      log,
      clock: { now: () => clock.now },
    }),
    reach,
    health: new PeerHealth(log),
  })
  return {
    log,
    clock,
    reach,
    to: (parts: Partial<Home> = {}) => begin(home({ credentials: CREDENTIALS, ...parts })),
  }
}

const challenge = (realm: string, status = 407): Outcome => ({
  kind: 'response',
  response: sipResponse(status, '', [
    [
      status === 407 ? 'Proxy-Authenticate' : 'WWW-Authenticate',
      `Digest realm="${realm}", nonce="abc", qop="auth"`,
    ],
  ]),
})
const answerOf = ({ headers }: SipRequest): string | undefined =>
  headers.get('Proxy-Authorization') ?? headers.get('Authorization')

test.for([401, 407])('a %i is answered, and the next request carries the answer beforehand', (status) => {
  const { to } = rig()
  const first = to()
  expect(answerOf(first.written(outgoing('', 'SUBSCRIBE')))).toBeUndefined()
  expect(first.heard(UDP, challenge('sip.example', status))).toBe(true)
  expect(answerOf(first.written(outgoing('', 'SUBSCRIBE')))).toMatch(/username="dragoman".*nc=00000001/)
  expect(first.heard(UDP, OK)).toBe(false)
  expect(answerOf(to().written(outgoing('', 'NOTIFY')))).toMatch(/nc=00000002/)
})

test('a realm that is not its own, and a home without a password, get nothing', () => {
  const own = rig().to()
  expect(own.heard(UDP, challenge('elsewhere.example'))).toBe(false)
  const none = rig({}).to()
  expect(none.heard(UDP, challenge('sip.example'))).toBe(false)
  expect(rig().to({ credentials: undefined }).heard(UDP, challenge('sip.example'))).toBe(false)
})

test('a place that does not answer is asked last, and the log says so once', () => {
  const { log, reach, to } = rig()
  const other = at({ port: 5071 })
  expect(to().heard(UDP, { kind: 'timeout' })).toBe(false)
  expect(to().heard(UDP, { kind: 'timeout' })).toBe(false)
  expect(reach.order([UDP.target, other.target])).toEqual([other.target, UDP.target])
  expect(log.lines.map(({ message }) => message)).toEqual(['the home server does not answer'])
})

test.for([
  ['a password that is wrong', CREDENTIALS, 'correct its credentials'],
  ['no credentials', undefined, 'give the home server credentials'],
] as const)('%s: the log says so, once in ten minutes', ([, credentials, cure]) => {
  const { log, clock, to } = rig()
  const refused = (): void => {
    const sending = to({ credentials })
    while (sending.heard(UDP, challenge('sip.example'))) {}
  }
  refused()
  clock.now = 599_999
  refused()
  expect(log.lines).toMatchObject([{ level: 'warn', fields: { home: 'main', status: 407, cure } }])
  clock.now = 600_000
  refused()
  expect(log.lines).toHaveLength(2)
})
