import type { Domain } from '../../kernel/domain.ts'
import { authOf, type StreamView } from './channel.ts'
import type { Dialling } from './dialling.ts'
import type { StreamName } from './receiving-state.ts'
import type { Stage } from './set-up.ts'
import { addressOf } from './stream-failure.ts'
import type { Traffic, TrafficStats } from './traffic.ts'

const STATE_OF = {
  header: 'negotiating',
  features: 'negotiating',
  'asked-tls': 'securing',
  shaking: 'securing',
  ready: 'negotiating',
  sasl: 'proving',
  dialback: 'proving',
  managing: 'proving',
  live: 'live',
} as const satisfies Record<Stage, string>

export interface Seen {
  readonly name: StreamName
  readonly own: Domain
  readonly other: Domain
  readonly closing: boolean
  readonly dialling: Dialling
  readonly traffic: Traffic | undefined
  readonly openedAt: number
  readonly now: number
}

const SILENT: TrafficStats = { stanzasIn: 0, stanzasOut: 0, managed: false }

/** What a stream that we open tells of itself. */
export function outgoingView(seen: Seen): StreamView {
  const { dialling, traffic, now, openedAt } = seen
  const { wire, setUp, place } = dialling
  const secured = wire?.secured
  const { bytesIn, bytesOut } = wire?.stats() ?? { bytesIn: 0, bytesOut: 0 }
  return {
    id: seen.name,
    direction: 'out',
    peers: [seen.other],
    own: [seen.own],
    bidi: setUp?.bidi ?? false,
    address: place === undefined ? '' : addressOf(place),
    tls: secured === undefined ? undefined : { protocol: secured.protocol, cipher: secured.cipher },
    auth: authOf(setUp?.proof),
    state: seen.closing
      ? 'closing'
      : dialling.connecting || setUp === undefined
        ? 'connecting'
        : STATE_OF[setUp.stage],
    age: now - openedAt,
    idle: now - (traffic?.lastStanza ?? openedAt),
    ...(traffic?.stats() ?? SILENT),
    bytesIn,
    bytesOut,
  }
}
