import { textOfAddress } from '../federation/address.ts'
import type { ComponentLink, Home } from '../federation/model.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import { type Clock, systemClock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import type { Timers } from '../kernel/timer-wheel.ts'
import { type AdmitOptions, admit, detailOf } from './admit.ts'
import { type Arrival, type Ending, failed } from './arrival.ts'
import type { BackPressure } from './back-pressure.ts'
import type { Counters } from './counters.ts'
import type { PeerCounters } from './limits.ts'
import type { Log } from './log.ts'
import type { LoopGuard } from './loop-guard.ts'

/** Where a permitted request leaves: one leg a protocol. Each ends the arrival exactly once. */
export interface Exits {
  toHome(arrival: Arrival, home: Home): void
  toComponent(arrival: Arrival, link: ComponentLink): void
}

export interface PipelineOptions {
  readonly snapshot: () => Snapshot
  readonly exits: Exits
  readonly loops: LoopGuard
  /** Counts what came in over XMPP. */
  readonly backPressure: BackPressure
  /** Whether message texts may be logged. */
  readonly bodies: () => boolean
  readonly log: Log
  readonly counters: Counters
  /** What each peer sends, counted against its limits; absent: without limits. */
  readonly peers?: PeerCounters
  /** The system's. */
  readonly clock?: Clock
  readonly random: Random
  readonly timers: Timers
}

/**
 * Admit → route → deliver, the same for every request whatever the leg it came in by. `take` never throws and the
 * arrival ends exactly once.
 */
export class Pipeline {
  readonly #options: PipelineOptions
  readonly #admission: AdmitOptions
  readonly #open = new Set<Arrival>()
  #stopping = false
  /** What was still open at the end was bounced: the ends that come after do not count. */
  #bounced = false
  #idle: (() => void) | undefined

  constructor(options: PipelineOptions) {
    this.#options = options
    this.#admission = { clock: options.clock ?? systemClock, peers: options.peers }
  }

  /** Requests taken in and not yet ended. */
  get open(): number {
    return this.#open.size
  }

  take(arrival: Arrival): void {
    const overXmpp = arrival.evidence.kind === 'component' || arrival.evidence.kind === 's2s'
    const room = !overXmpp || this.#options.backPressure.entered()
    const once = this.#endingOnce(arrival, overXmpp)
    this.#open.add(once)
    if (this.#stopping) {
      once.end(failed('shutdown'))
      return
    }
    if (!room) {
      once.end(failed('busy'))
      return
    }
    try {
      this.#pass(once)
    } catch (error) {
      once.end(this.#fault(arrival, error))
    }
  }

  /**
   * No new requests; resolves true once all have ended. After `within` milliseconds those still open are ended with
   * `shutdown`, and it resolves false.
   */
  async drain(within: number): Promise<boolean> {
    this.#stopping = true
    if (this.#open.size === 0) return true
    return await new Promise((resolve) => {
      const limit = this.#options.timers.set(within, () => {
        this.#idle = undefined
        for (const arrival of [...this.#open]) arrival.end(failed('shutdown'))
        this.#bounced = true
        resolve(false)
      })
      this.#idle = () => {
        limit.cancel()
        resolve(true)
      }
    })
  }

  #pass(arrival: Arrival): void {
    const { snapshot, exits, counters, log } = this.#options
    const { verdict, route } = admit(snapshot(), arrival, this.#admission)
    if (verdict.outcome === 'refuse') {
      const id = this.#options.random.token(8)
      counters.add(`refused.${verdict.reason}`)
      log.info(
        {
          id,
          kind: arrival.kind,
          from: textOfAddress(arrival.from),
          to: textOfAddress(arrival.to),
          evidence: arrival.evidence,
          reason: verdict.reason,
          detail: detailOf(verdict),
          provider: verdict.provider,
          policy: verdict.policy,
          level: verdict.level,
          asserted: verdict.asserted,
          list: verdict.list,
        },
        'refused',
      )
      arrival.end({ kind: 'refused', reason: verdict.reason, id })
      return
    }
    if (arrival.kind === 'message' && !this.#options.loops.admit(arrival.from, arrival.to, arrival.request)) {
      counters.add('refused.loop')
      log.warn({ from: textOfAddress(arrival.from), to: textOfAddress(arrival.to) }, 'message is circling')
      arrival.end(failed('loop'))
      return
    }
    switch (route.kind) {
      case 'home':
        exits.toHome(arrival, route.home)
        return
      case 'component':
        exits.toComponent(arrival, route.link)
        return
      case 's2s':
      case 'sip':
      case 'discover':
      case 'none':
        log.warn({ from: arrival.from.domain, to: arrival.to.domain, route: route.kind }, 'no way there')
        arrival.end(failed('no-link'))
        return
      default:
        route satisfies never
    }
  }

  #endingOnce(arrival: Arrival, overXmpp: boolean): Arrival {
    const { kind, request, from, to, evidence } = arrival
    const end = (ending: Ending): void => {
      if (!this.#open.delete(once)) {
        this.#options.counters.add(this.#bounced ? 'ended.late' : 'ended.twice')
        return
      }
      const outcome = ending.kind === 'failed' ? ending.failure : ending.kind
      this.#options.counters.add(`${kind}.${outcome}`)
      this.#report(arrival, outcome)
      try {
        arrival.end(ending)
      } catch (error) {
        this.#fault(arrival, error)
      }
      if (overXmpp) this.#options.backPressure.left()
      if (this.#open.size === 0) this.#idle?.()
    }
    const once: Arrival = { kind, request, from, to, evidence, end }
    return once
  }

  /** One line a request at level debug; at info where the texts are wanted. */
  #report(arrival: Arrival, outcome: string): void {
    const { log, bodies } = this.#options
    const withBody = bodies()
    if (!withBody && !log.isLevelEnabled('debug')) return
    const fields = {
      kind: arrival.kind,
      from: textOfAddress(arrival.from),
      to: textOfAddress(arrival.to),
      callId: arrival.request.headers.get('Call-ID'),
      outcome,
    }
    if (withBody) log.info({ ...fields, body: Buffer.from(arrival.request.body).toString('utf8') }, 'request')
    else log.debug(fields, 'request')
  }

  #fault(arrival: Arrival, error: unknown): Ending {
    const id = this.#options.random.token(8)
    this.#options.counters.add('fault')
    this.#options.log.error(
      { id, err: error, from: textOfAddress(arrival.from), to: textOfAddress(arrival.to) },
      'fault',
    )
    return failed('internal')
  }
}
