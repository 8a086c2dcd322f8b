import { expect, test } from 'vitest'
import { PeerLog } from '../../src/edge/peer-log.ts'
import { SipEvents } from '../../src/edge/sip-events.ts'
import type { EndpointEvent } from '../../src/sip/endpoint/endpoint.ts'
import { fakeTime } from '../kernel/fake-time.ts'
import { recordingLog } from './support.ts'

const where = { listener: 'inside-udp', address: '192.0.2.1', port: 5060 }
const malformed: EndpointEvent = { kind: 'malformed', ...where, reason: 'bad-cseq', answered: 400 }

function events() {
  const { clock, pass } = fakeTime()
  const log = recordingLog()
  const sink = new SipEvents(log, new PeerLog({ log, clock, perSecond: 3 }))
  return { log, pass, report: (event: EndpointEvent) => sink.report(event) }
}

test.for([
  ['malformed', malformed, 'warn'],
  [
    'response-failed',
    { kind: 'response-failed', address: '192.0.2.1', port: 1, reason: 'EHOSTUNREACH' },
    'warn',
  ],
  ['overloaded', { kind: 'overloaded', what: 'transactions' }, 'warn'],
  ['too many connections', { kind: 'overloaded', what: 'connections' }, 'warn'],
  ['silent', { kind: 'silent', method: 'MESSAGE', callId: 'c1' }, 'warn'],
  ['connection-closed', { kind: 'connection-closed', ...where, reason: 'idle' }, 'debug'],
  ['listener-broken', { kind: 'listener-broken', listener: 'inside-udp', reason: 'EIO' }, 'error'],
] as [string, EndpointEvent, string][])('%s is one line, its facts as fields', ([, event, level]) => {
  const { log, report } = events()
  report(event)
  const { kind: _, ...fields } = event
  expect(log.lines).toEqual([{ level, fields, message: expect.any(String) }])
})

test('a fault has its id and its error where the log can show it', () => {
  const { log, report } = events()
  const error = new Error('boom')
  report({ kind: 'fault', id: 'f1', error })
  expect(log.lines).toMatchObject([{ level: 'error', fields: { id: 'f1', err: error } }])
})

test('a peer that sends rubbish cannot fill the disk; what was left out is counted', () => {
  const { log, report, pass } = events()
  for (let i = 0; i < 100; i++) report(malformed)
  expect(log.lines).toHaveLength(3)
  pass(1000)
  report(malformed)
  expect(log.lines).toHaveLength(4)
  expect(log.lines[3]?.fields.suppressed).toBe(97)
  report(malformed)
  expect(log.lines[4]?.fields.suppressed).toBeUndefined()
})

test('faults are never left out', () => {
  const { log, report } = events()
  for (let i = 0; i < 5; i++) report({ kind: 'fault', id: `f${i}`, error: new Error('x') })
  expect(log.lines).toHaveLength(5)
})
