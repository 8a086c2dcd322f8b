import { expect, test } from 'vitest'
import { HomeHealth } from '../../src/edge/home-health.ts'
import { home } from '../federation/fixtures.ts'
import { recordingLog, sipResponse } from './support.ts'

test('a home server that does not answer is named once, and once more when it does again', () => {
  const log = recordingLog()
  const health = new HomeHealth(log)
  const hop = { transport: 'tcp', address: '10.0.0.5', port: 5060 } as const
  const ok = { kind: 'response', response: sipResponse(486) } as const
  health.heard(home(), hop, ok)
  health.heard(home(), hop, { kind: 'transport-failure', reason: 'ECONNREFUSED' })
  health.heard(home(), hop, { kind: 'timeout' })
  health.heard(home(), hop, ok)
  health.heard(home(), hop, ok)
  health.heard(home(), hop, { kind: 'transport-failure', reason: 'closing' })
  expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
    ['warn', 'the home server does not answer'],
    ['info', 'the home server answers again'],
  ])
  expect(log.lines[0]?.fields).toMatchObject({ home: 'main', address: '10.0.0.5', reason: 'ECONNREFUSED' })
})
