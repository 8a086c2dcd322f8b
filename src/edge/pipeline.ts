import { textOfAddress } from '../federation/address.ts'
import type { ComponentLink, Home } from '../federation/model.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { Random } from '../kernel/random.ts'
import type { Timers } from '../kernel/timer-wheel.ts'
import { admit, detailOf } from './admit.ts'
import { type Arrival, type Ending, failed } from './arrival.ts'
import type { Counters } from './counters.ts'
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
  /** Told when too much is open to read on, and when reading may go on. */
  readonly pressure: (high: boolean) => void
  /** Whether message texts may be logged. */
  readonly bodies: () => boolean
  readonly log: Log
  readonly counters: Counters
  readonly random: Random
  readonly timers: Timers
}

/** Open requests at which reading from the XMPP side stops, and at which it goes on. */
const HIGH = 8_192
const LOW = 4_096

/**
 * Admit → route → deliver, the same for every request whatever the leg it came in by. `take` never throws and the
 * arrival ends exactly once.
 */
export class Pipeline {
  readonly #options: PipelineOptions
  #open = 0
  #stopping = false
  #pressed = false
  #idle: (() => void) | undefined

  constructor(options: PipelineOptions) {
    this.#options = options
  }

  /** Requests taken in and not yet ended. */
  get open(): number {
    return this.#open
  }

  take(arrival: Arrival): void {
    if (this.#stopping) {
      arrival.end(failed('shutdown'))
      return
    }
    this.#open++
    if (this.#open >= HIGH && !this.#pressed) {
      this.#pressed = true
      this.#options.pressure(true)
    }
    const once = this.#endingOnce(arrival)
    try {
      this.#pass(once)
    } catch (error) {
      once.end(this.#fault(arrival, error))
    }
  }

  /** No new requests; resolves true once all have ended, false if `within` milliseconds were not enough. */
  async drain(within: number): Promise<boolean> {
    this.#stopping = true
    if (this.#open === 0) return true
    return await new Promise((resolve) => {
      const limit = this.#options.timers.set(within, () => resolve(false))
      this.#idle = () => {
        limit.cancel()
        resolve(true)
      }
    })
  }

  #pass(arrival: Arrival): void {
    const { snapshot, exits, counters, log } = this.#options
    const { verdict, route } = admit(snapshot(), arrival)
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
          level: verdict.level,
          asserted: verdict.asserted,
          list: verdict.list,
        },
        'refused',
      )
      arrival.end({ kind: 'refused', reason: verdict.reason, id })
      return
    }
    if (arrival.kind === 'message' && !this.#admitsText(arrival)) {
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

  #admitsText(arrival: Arrival): boolean {
    return this.#options.loops.admit(
      textOfAddress(arrival.from),
      textOfAddress(arrival.to),
      arrival.request.body,
    )
  }

  #endingOnce(arrival: Arrival): Arrival {
    let ended = false
    const end = (ending: Ending): void => {
      if (ended) {
        this.#options.counters.add('ended.twice')
        return
      }
      ended = true
      this.#open--
      const outcome = ending.kind === 'failed' ? ending.failure : ending.kind
      this.#options.counters.add(`${arrival.kind}.${outcome}`)
      this.#report(arrival, outcome)
      try {
        arrival.end(ending)
      } catch (error) {
        this.#fault(arrival, error)
      }
      if (this.#pressed && this.#open <= LOW) {
        this.#pressed = false
        this.#options.pressure(false)
      }
      if (this.#open === 0) this.#idle?.()
    }
    const { kind, request, from, to, evidence } = arrival
    return { kind, request, from, to, evidence, end }
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
