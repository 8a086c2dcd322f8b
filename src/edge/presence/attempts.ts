import type { ContactState } from '../../interworking/presence/state.ts'
import type { Clock } from '../../kernel/clock.ts'
import { flat } from '../../kernel/flat.ts'
import { ok, type Result } from '../../kernel/result.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import type { Subscriptions } from '../../sip/events/subscriptions.ts'
import { uriText } from '../../sip/uri-write.ts'
import type { Counters } from '../counters.ts'
import type { BackoffOptions } from './backoff.ts'
import type { People } from './people.ts'
import type { Watch } from './watch.ts'

export interface AttemptsOptions {
  readonly people: People
  /** Seconds that are asked for. */
  readonly expires: number
  readonly retry: BackoffOptions
  readonly clock: Clock
  readonly timers: Timers
  readonly counters: Counters
}

const EVENT = { package: 'presence', id: undefined }

/** Begins SIP subscriptions, now or later. */
export class Attempts {
  readonly #options: AttemptsOptions
  readonly #subscriptions: Subscriptions<Watch, ContactState | undefined>

  constructor(options: AttemptsOptions, subscriptions: Subscriptions<Watch, ContactState | undefined>) {
    this.#options = options
    this.#subscriptions = subscriptions
  }

  /** A subscription where there is none, for somebody who is there; where the table is full, later. */
  want(watch: Watch): void {
    if (!this.now(watch).ok) this.later(watch, this.#options.retry.longest)
  }

  /** The same, where somebody waits for it. */
  now(watch: Watch): Result<void, 'full'> {
    const { expires, clock } = this.#options
    // What was asked for is still asked for: somebody may say yes while the user is away.
    const awaited = watch.present || watch.authorization === 'asked'
    if (!awaited || watch.refused || !watch.judged || watch.settled) return ok(undefined)
    if (watch.subscription !== undefined) {
      if (watch.leaving !== undefined && watch.leaving !== 'unsubscribe') watch.again = true
      return ok(undefined)
    }
    const wait = watch.notBefore - clock.now()
    if (wait > 0) {
      this.later(watch, wait)
      return ok(undefined)
    }
    watch.rest()
    return this.begin(watch, expires)
  }

  /** @param wait milliseconds; what is set already stays */
  later(watch: Watch, wait: number): void {
    watch.retry ??= this.#options.timers.set(wait, () => {
      watch.retry = undefined
      this.want(watch)
    })
  }

  /** @param expires seconds; 0: only what the state is now */
  begin(watch: Watch, expires: number): Result<void, 'full'> {
    const { people, clock, counters } = this.#options
    const resolved = people.resolve(watch.pair)
    // Without a link nobody would hear of it; it is asked for when one is back.
    if (resolved === undefined) return ok(undefined)
    const { sip: to } = watch.pair
    const made = this.#subscriptions.subscribe({
      from: flat(uriText(resolved.uri)),
      to,
      event: EVENT,
      expires,
      data: watch,
    })
    if (!made.ok) {
      counters.add('presence.full')
      return made
    }
    counters.add(expires === 0 ? 'presence.fetched' : 'presence.subscribed')
    watch.subscription = made.value
    watch.begun = clock.now()
    return ok(undefined)
  }
}
