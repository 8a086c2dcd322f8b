import { expect, test } from 'vitest'
import { PeerHealth } from '../../src/edge/peer-health.ts'
import { recordingLog, sipResponse } from './support.ts'

test('a home server that does not answer is named once, and once more when it does again', () => {
  const log = recordingLog()
  const main = { kind: 'home', name: 'main' } as const
  const health = new PeerHealth(log)
  const hop = { transport: 'tcp', address: '10.0.0.5', port: 5060 } as const
  const ok = { kind: 'response', response: sipResponse(486) } as const
  health.heard(main, hop, ok)
  health.heard(main, hop, { kind: 'transport-failure', reason: 'ECONNREFUSED' })
  health.heard(main, hop, { kind: 'timeout' })
  health.heard(main, hop, ok)
  health.heard(main, hop, ok)
  health.heard(main, hop, { kind: 'transport-failure', reason: 'closing' })
  expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
    ['warn', 'the home server does not answer'],
    ['info', 'the home server answers again'],
  ])
  expect(log.lines[0]?.fields).toMatchObject({ home: 'main', address: '10.0.0.5', reason: 'ECONNREFUSED' })
})

test('a home and a provider of the same name are two', () => {
  const log = recordingLog()
  const health = new PeerHealth(log)
  const hop = { transport: 'tls', address: '10.0.0.5', port: 5061 } as const
  for (const kind of ['home', 'provider'] as const)
    health.heard({ kind, name: 'main' }, hop, { kind: 'timeout' })
  expect(log.lines.map(({ message }) => message)).toEqual([
    'the home server does not answer',
    'the SIP provider does not answer',
  ])
})
