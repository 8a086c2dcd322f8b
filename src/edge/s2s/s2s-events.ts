import { BoundedMap } from '../../kernel/bounded-map.ts'
import type { StreamView as Stream } from '../../xmpp/s2s/channel.ts'
import { type S2sEvent, VERIFIED } from '../../xmpp/s2s/options.ts'
import type { S2sServer } from '../../xmpp/s2s/server.ts'
import type { Counters } from '../counters.ts'
import type { Log } from '../log.ts'
import type { PeerLog } from '../peer-log.ts'
import type { S2sView, StreamView } from './view.ts'

export interface S2sEventsOptions {
  readonly log: Log
  /** Where what peers do is warned of. */
  readonly peers: PeerLog
  readonly counters: Counters
}

/** Domains whose last error is remembered. */
const DOMAINS = 10_000
/** How streams end when all is well. */
const WELL = new Set(['idle', 'closed by the peer', VERIFIED])

/** What streams between servers have to tell: lines of the log, counters, and what a person may see of them. */
export class S2sEvents {
  readonly #options: S2sEventsOptions
  readonly #errors = new BoundedMap<string, string>(DOMAINS)

  constructor(options: S2sEventsOptions) {
    this.#options = options
  }

  report(event: S2sEvent): void {
    const { log, peers, counters } = this.#options
    const { kind: _, ...about } = event
    switch (event.kind) {
      case 'proved':
        counters.add(`s2s.proved.${event.direction}`)
        log.info(about, 'a stream between servers is proved')
        return
      case 'closed': {
        const { peer, reason, wasLive, direction } = event
        const well = wasLive || reason === VERIFIED
        counters.add(well ? `s2s.ended.${direction}` : `s2s.failed.${direction}`)
        // Who has proved nothing may say that he is anybody.
        const known = wasLive || direction === 'out'
        if (peer !== undefined && known && !WELL.has(reason)) this.#errors.set(peer, reason, 0)
        if (wasLive) log.info(about, 'a stream between servers has ended')
        else if (well) log.debug(about, 'a stream between servers has ended')
        else if (direction === 'in') peers.warn(about, 'a stream from another server came to nothing')
        else log.debug(about, 'a stream to another server came to nothing')
        return
      }
      case 'unreachable':
        counters.add('s2s.unreachable')
        this.#errors.set(event.domain, event.reason, 0)
        peers.warn(about, 'a domain cannot be reached')
        return
      case 'reachable':
      case 'cut':
        return
      case 'limit':
        counters.add(`s2s.limit.${event.limit}`)
        peers.warn(about, 'streams between servers: a limit is reached')
        return
      case 'suspicious':
        counters.add(`s2s.suspicious.${event.what}`)
        peers.warn(about, 'another server does what it must not')
        return
      default:
        event satisfies never
    }
  }

  view(server: Pick<S2sServer, 'views' | 'troubled' | 'stats'>): S2sView {
    const { in: incoming, out } = server.stats()
    return {
      streams: server.views().map((stream) => this.#seen(stream)),
      troubled: server.troubled().map(({ domain, failures, retryIn, reason }) => ({
        domain,
        failures,
        retryInSeconds: seconds(retryIn),
        reason,
      })),
      counters: {
        strangers: incoming.strangers,
        verifying: incoming.verifications,
        refusedConnections: incoming.refused,
        ...out,
      },
    }
  }

  #seen({ peers, age, idle, managed, ...stream }: Stream): StreamView {
    const [peer = stream.address] = peers
    return {
      ...stream,
      peer,
      ageSeconds: seconds(age),
      idleSeconds: seconds(idle),
      streamManagement: managed,
      lastError: this.#errors.get(peer, 0),
    }
  }
}

const seconds = (milliseconds: number): number => Math.round(milliseconds / 1000)
