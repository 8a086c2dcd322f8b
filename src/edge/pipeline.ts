import { textOfAddress } from '../federation/address.ts'
import type { Home, Link, SipProvider } from '../federation/model.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { Verdict } from '../federation/verdict.ts'
import { Bag } from '../kernel/bag.ts'
import { type Clock, systemClock } from '../kernel/clock.ts'
import type { Domain } from '../kernel/domain.ts'
import type { Random } from '../kernel/random.ts'
import type { Timers } from '../kernel/timer-wheel.ts'
import { type Admission, refusingStep } from './admit.ts'
import { type Arrival, type Ending, failed } from './arrival.ts'
import type { BackPressure } from './back-pressure.ts'
import type { Counters } from './counters.ts'
import { Gatekeeper } from './gatekeeper.ts'
import type { PeerCounters } from './limits.ts'
import type { Log } from './log.ts'
import type { LoopGuard } from './loop-guard.ts'
import type { SubjectCache } from './subject-cache.ts'

/** An arrival that was taken in, with its place among those that are open; -1: it has ended. */
interface Taken extends Arrival {
  place: number
}

/** Where a permitted request leaves: one leg a protocol. Each ends the arrival exactly once. */
export interface Exits {
  toHome(arrival: Arrival, home: Home, verdict: Verdict): void
  toProvider(arrival: Arrival, provider: SipProvider): void
  /** To a domain without a provider, wherever DNS says it is. */
  toDomain(arrival: Arrival, domain: Domain): void
  toXmpp(arrival: Arrival, link: Link): void
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
  /** Users and contact entries of a store; absent: the snapshot has them all. */
  readonly records?: SubjectCache | undefined
  /** Told of each request that was delivered. */
  readonly delivered?: ((arrival: Arrival, admission: Admission) => void) | undefined
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
  /** Judges also what does not go through the pipeline: queries. */
  readonly gatekeeper: Gatekeeper
  readonly #open = new Bag<Taken>()
  #stopping = false
  /** What was still open at the end was bounced: the ends that come after do not count. */
  #bounced = false
  #idle: (() => void) | undefined

  constructor(options: PipelineOptions) {
    this.#options = options
    const { snapshot, clock = systemClock, peers, records } = options
    this.gatekeeper = new Gatekeeper({ snapshot, clock, peers, records })
  }

  /** Requests taken in and not yet ended. */
  get open(): number {
    return this.#open.size
  }

  take(arrival: Arrival): void {
    const throttled = overXmpp(arrival)
    const room = !throttled || this.#options.backPressure.entered()
    const once = this.#endingOnce(arrival, throttled)
    once.place = this.#open.add(once)
    if (this.#stopping) {
      once.end(failed('shutdown'))
      return
    }
    if (!room) {
      once.end(failed('busy'))
      return
    }
    this.gatekeeper.judge(
      once,
      (admission) => {
        // Bounced while the store was being asked.
        if (once.place < 0) return
        try {
          this.#pass(once, admission)
        } catch (error) {
          once.end(this.#fault(arrival, error))
        }
      },
      (error) => {
        this.#fault(arrival, error)
        once.end(failed('store'))
      },
    )
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
        for (const arrival of this.#open.values()) arrival.end(failed('shutdown'))
        this.#bounced = true
        resolve(false)
      })
      this.#idle = () => {
        limit.cancel()
        resolve(true)
      }
    })
  }

  /** Something of ours failed on the way of an arrival: it ends as that. */
  failed(arrival: Arrival, error: unknown): void {
    arrival.end(this.#fault(arrival, error))
  }

  #pass(judged: Arrival, admission: Admission): void {
    const { exits, counters, log } = this.#options
    const { verdict, route } = admission
    const arrival = this.#telling(judged, admission)
    if (verdict.outcome === 'refuse') {
      const id = this.#options.random.token(8)
      const { step, detail } = refusingStep(verdict)
      counters.add(`refused.${verdict.reason}`)
      log.info(
        {
          id,
          kind: arrival.kind,
          from: textOfAddress(arrival.from),
          to: textOfAddress(arrival.to),
          address: arrival.passing?.incoming.source.address,
          listener: arrival.passing?.incoming.source.listener,
          evidence: arrival.evidence,
          reason: verdict.reason,
          step,
          detail,
          provider: verdict.provider,
          policy: verdict.policy,
          level: verdict.level,
          asserted: verdict.asserted,
          list: verdict.list,
        },
        'refused',
      )
      arrival.end({ kind: 'refused', reason: verdict.reason, id, step, detail })
      return
    }
    const translated = overXmpp(arrival) || route.kind === 'component' || route.kind === 's2s'
    if (
      translated &&
      arrival.kind === 'message' &&
      !this.#options.loops.admit(arrival.from, arrival.to, arrival.request)
    ) {
      counters.add('refused.loop')
      log.warn({ from: textOfAddress(arrival.from), to: textOfAddress(arrival.to) }, 'message is circling')
      arrival.end(failed('loop'))
      return
    }
    switch (route.kind) {
      case 'home':
        exits.toHome(arrival, route.home, verdict)
        return
      case 'component':
      case 's2s':
        exits.toXmpp(arrival, route.link)
        return
      case 'sip':
        exits.toProvider(arrival, route.provider)
        return
      case 'discover':
        exits.toDomain(arrival, route.domain)
        return
      case 'none':
        log.warn(
          {
            from: arrival.from.domain,
            to: arrival.to.domain,
            reason: route.reason,
          },
          'no way there',
        )
        arrival.end(failed('no-route'))
        return
      default:
        route satisfies never
    }
  }

  /** The arrival, whose delivery is told to whoever learns from it. */
  #telling(arrival: Arrival, admission: Admission): Arrival {
    const { delivered } = this.#options
    if (delivered === undefined) return arrival
    return {
      ...arrival,
      end: (ending) => {
        arrival.end(ending)
        if (outcomeOf(ending) !== 'delivered') return
        try {
          delivered(arrival, admission)
        } catch (error) {
          this.#fault(arrival, error)
        }
      },
    }
  }

  #endingOnce(arrival: Arrival, throttled: boolean): Taken {
    const { kind, request, from, to, evidence, passing } = arrival
    const end = (ending: Ending): void => {
      if (once.place < 0) {
        this.#options.counters.add(this.#bounced ? 'ended.late' : 'ended.twice')
        return
      }
      this.#open.remove(once.place)
      once.place = -1
      const outcome = outcomeOf(ending)
      this.#options.counters.add(`${kind}.${outcome}`)
      this.#report(arrival, outcome)
      try {
        arrival.end(ending)
      } catch (error) {
        this.#fault(arrival, error)
      }
      if (throttled) this.#options.backPressure.left()
      if (this.#open.size === 0) this.#idle?.()
    }
    const once: Taken = { kind, request, from, to, evidence, passing, place: -1, end }
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

const overXmpp = ({ evidence }: Arrival): boolean => evidence.kind === 'component' || evidence.kind === 's2s'

/** As counters and the log call it. */
function outcomeOf(ending: Ending): string {
  if (ending.kind === 'failed') return ending.failure
  if (ending.kind === 'relayed') return ending.status < 300 ? 'delivered' : 'answered'
  return ending.kind
}
