import { Allowance } from '../../kernel/allowance.ts'
import { BoundedMap } from '../../kernel/bounded-map.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Timer, Timers } from '../../kernel/timer-wheel.ts'
import { networkOf } from '../../net/admission.ts'
import type { Outward } from './channel.ts'
import type { ResultAnswer, ResultRequest, VerifyAnswer } from './dialback.ts'
import type { DomainPair } from './domain-pair.ts'
import { receivingMachine } from './receiving.ts'
import {
  DEFAULT_RECEIVING,
  type KeyPolicy,
  NO_STREAMS,
  type ReceivingEffect,
  type ReceivingEvent,
  type ReceivingLimits,
  type StreamName,
} from './receiving-state.ts'

/** A stream that keys come on, whoever opened it. */
export interface KeyBearer {
  readonly name: StreamName
  /** Of the other side, without port. */
  readonly address: string
  /** The answer to a key. */
  answer(answer: ResultAnswer): void
  /** The stream may bring stanzas of the pair; the answer that says so follows. */
  proved(pair: DomainPair, by: 'certificate' | 'dialback'): void
  /** The stream has to end, after what it was answered. */
  leave(reason: 'invalid' | 'failures'): void
}

export interface ReceiverDeps {
  readonly outward: Outward
  readonly limits: Partial<ReceivingLimits>
  readonly clock: Clock
  readonly timers: Timers
  /** Somebody answered what nobody had asked on that stream. */
  unsolicited(via: StreamName): void
}

/**
 * Verifications that come to nothing, caused from one network: so many at once, and so many a second. Each may mean DNS lookups and
 * a connection to a third party that the asker has named.
 */
const VAIN = { burst: 50, perSecond: 1 }
/** Networks that are remembered for it, in milliseconds. */
const NETWORKS = 10_000
const REMEMBERED = 120_000

/** The receiving server of the whole process: `receivingMachine` with its streams and its timer. */
export class Receiver {
  readonly #deps: ReceiverDeps
  readonly #machine
  readonly #bearers = new Map<StreamName, KeyBearer>()
  readonly #vain = new BoundedMap<string, Allowance>(NETWORKS, REMEMBERED)
  readonly #events: ReceivingEvent[] = []
  #state = NO_STREAMS
  #turning = false
  #alarm: Timer | undefined
  #alarmAt = Number.POSITIVE_INFINITY

  constructor(deps: ReceiverDeps) {
    this.#deps = deps
    this.#machine = receivingMachine({ ...DEFAULT_RECEIVING, ...deps.limits })
  }

  /** Verifications under way. */
  get verifications(): number {
    return this.#state.verifications.size
  }

  /** Keys of that stream can be told; `closed` is due. */
  join(bearer: KeyBearer): void {
    this.#bearers.set(bearer.name, bearer)
  }

  /** A key has come. @param streamId what our header said, or the other side's where it opened to us over ours (XEP-0288) */
  key(stream: StreamName, streamId: string, request: ResultRequest, policy: KeyPolicy): void {
    const spent = policy.kind === 'verify' && !this.#allowanceOf(stream).left
    this.#step({
      kind: 'key',
      stream,
      streamId,
      request,
      policy: spent ? { kind: 'refuse', condition: 'resource-constraint' } : policy,
    })
  }

  /** An answer to `db:verify` has come on the stream `via`. */
  answer(via: StreamName, answer: VerifyAnswer): void {
    this.#step({ kind: 'answer', via, answer })
  }

  /** A stream has ended, whether keys came on it, or verifications went over it. */
  closed(stream: StreamName): void {
    this.#step({ kind: 'closed', stream })
    this.#bearers.delete(stream)
  }

  stop(): void {
    this.#alarm?.cancel()
    this.#alarm = undefined
  }

  /** One event after the other: what the effects of one bring about comes when they are done. */
  #step(event: ReceivingEvent): void {
    this.#events.push(event)
    if (this.#turning) return
    this.#turning = true
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        const [state, effects] = this.#machine.step(this.#state, next, this.#deps.clock.now())
        this.#state = state
        for (const effect of effects) this.#do(effect)
      }
    } finally {
      this.#turning = false
    }
    this.#setAlarm()
  }

  #do(effect: ReceivingEffect): void {
    switch (effect.kind) {
      case 'verify': {
        const { pair, request, except } = effect
        const { id } = request
        this.#allowanceOf(except).take()
        this.#deps.outward.verify(pair, request, except, (outcome) =>
          this.#step(
            'via' in outcome
              ? { kind: 'sent', pair, id, via: outcome.via }
              : { kind: 'unreachable', pair, id, reason: outcome.unreachable },
          ),
        )
        return
      }
      case 'send':
        this.#bearers.get(effect.stream)?.answer(effect.answer)
        return
      case 'proved':
        if (effect.by === 'dialback') this.#allowanceOf(effect.stream).giveBack()
        this.#bearers.get(effect.stream)?.proved(effect.pair, effect.by)
        return
      case 'close':
        this.#bearers.get(effect.stream)?.leave(effect.reason)
        return
      case 'unsolicited':
        this.#deps.unsolicited(effect.via)
        return
      default:
        effect satisfies never
    }
  }

  #allowanceOf(stream: StreamName): Allowance {
    const network = networkOf(this.#bearers.get(stream)?.address ?? '')
    const now = this.#deps.clock.now()
    const known = this.#vain.get(network, now)
    const allowance = known ?? new Allowance({ ...VAIN, clock: this.#deps.clock })
    if (known === undefined) this.#vain.set(network, allowance, now)
    return allowance
  }

  #setAlarm(): void {
    const at = this.#machine.alarmAt(this.#state)
    if (at === this.#alarmAt) return
    this.#alarmAt = at
    this.#alarm?.cancel()
    this.#alarm = undefined
    if (at === Number.POSITIVE_INFINITY) return
    this.#alarm = this.#deps.timers.set(at - this.#deps.clock.now(), () => {
      this.#alarmAt = Number.POSITIVE_INFINITY
      this.#step({ kind: 'alarm' })
    })
  }
}
