import { expect, test } from 'vitest'
import { Counters } from '../../../src/edge/counters.ts'
import { PeerLog } from '../../../src/edge/peer-log.ts'
import { S2sEvents } from '../../../src/edge/s2s/s2s-events.ts'
import type { StreamView } from '../../../src/xmpp/s2s/channel.ts'
import { type S2sEvent, VERIFIED } from '../../../src/xmpp/s2s/options.ts'
import { domain } from '../../federation/fixtures.ts'
import { fakeTime } from '../../kernel/fake-time.ts'
import { recordingLog } from '../support.ts'

const BANK = domain('bank.example')

function bed() {
  const log = recordingLog()
  const counters = new Counters()
  const { clock } = fakeTime()
  const events = new S2sEvents({ log, peers: new PeerLog({ log, clock }), counters })
  const stream = { id: 'out-1', peers: [BANK], age: 1_499, idle: 500 } as unknown as StreamView
  const lastError = () =>
    events.view({
      views: () => [stream],
      troubled: () => [],
      stats: () => ({ in: {}, out: {} }) as never,
    }).streams[0]?.lastError
  return { log, counters, events, lastError }
}

const closed = (parts: Partial<S2sEvent & { kind: 'closed' }>): S2sEvent => ({
  kind: 'closed',
  stream: 'x',
  direction: 'out',
  peer: BANK,
  address: '192.0.2.1:5269',
  reason: 'ECONNRESET',
  wasLive: true,
  ...parts,
})

test('the last error of a domain is that of a stream that had proved it, or that we opened', () => {
  const { events, lastError } = bed()
  events.report(closed({ direction: 'out', wasLive: false, reason: 'ECONNREFUSED' }))
  expect(lastError()).toBe('ECONNREFUSED')
  events.report(closed({ direction: 'in', wasLive: true }))
  expect(lastError()).toBe('ECONNRESET')
})

test('who merely says that he is somebody does not write that domain’s last error', () => {
  const { events, lastError, counters, log } = bed()
  events.report(closed({ direction: 'in', wasLive: false, reason: 'nothing was proved in time' }))
  expect(lastError()).toBeUndefined()
  expect(counters.get('s2s.failed.in')).toBe(1)
  expect(log.lines.at(-1)).toMatchObject({ level: 'warn' })
})

test('a stream on which another server had keys verified, and nothing else, is no failure', () => {
  const { events, counters, log } = bed()
  events.report(closed({ direction: 'in', wasLive: false, reason: VERIFIED }))
  expect(counters.snapshot()).toEqual({ 's2s.ended.in': 1 })
  expect(log.lines.map(({ level }) => level)).toEqual(['debug'])
})

test('a stream that ends well is no error', () => {
  const { events, lastError } = bed()
  events.report(closed({ reason: 'idle' }))
  expect(lastError()).toBeUndefined()
})
