import { expect, test } from 'vitest'
import { PeerCounters } from '../../src/edge/limits.ts'
import { PeerConnections } from '../../src/edge/peer-connections.ts'
import type { Source } from '../../src/sip/endpoint/endpoint.ts'
import { domain, sipProvider } from '../federation/fixtures.ts'
import { fakeTime } from '../kernel/fake-time.ts'
import { open } from './support.ts'

const from = (...identity: string[]): Source => ({
  transport: 'tls',
  address: '192.0.2.9',
  port: 40_000,
  listener: 'outside-tls',
  side: 'outside',
  ...(identity.length === 0 ? {} : { identity }),
})

function counted(connections: number) {
  const limits = { messagesPerSecond: undefined, contacts: undefined, connections }
  const provider = sipProvider({ name: 'Partner', accessEdges: [domain('edge.partner.example')], limits })
  const counters = new PeerCounters({ clock: fakeTime().clock })
  const world = open({ providers: [provider] })
  return { counters, peers: new PeerConnections({ snapshot: () => world, counters }) }
}

test('a provider may have so many connections as its limit says, whichever of its names they prove', () => {
  const { counters, peers } = counted(2)
  const [first, second, third] = [
    from('edge.partner.example'),
    from('edge.partner.example', 'b.example'),
    from('edge.partner.example'),
  ]
  expect([first, second, third].map((source) => peers.connected(source))).toEqual([true, true, false])
  expect(counters.countsOf({ kind: 'provider', name: 'Partner' })).toMatchObject({
    connections: 2,
    refused: { connections: 1 },
  })
  peers.disconnected(third)
  peers.disconnected(first)
  expect(counters.countsOf({ kind: 'provider', name: 'Partner' })?.connections).toBe(1)
  expect(peers.connected(from('edge.partner.example'))).toBe(true)
})

test('a peer without a proved name counts for nobody, one that nobody knows for its domain', () => {
  const { counters, peers } = counted(1)
  expect([from(), from(), from()].map((source) => peers.connected(source))).toEqual([true, true, true])
  const stranger = from('edge.stranger.example')
  expect(peers.connected(stranger)).toBe(true)
  expect(counters.countsOf({ kind: 'domain', name: 'edge.stranger.example' })?.connections).toBe(1)
  expect(counters.countsOf({ kind: 'provider', name: 'Partner' })).toBeUndefined()
})
