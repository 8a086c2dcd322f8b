import type { Clock } from '../../kernel/clock.ts'
import { ok, type Result } from '../../kernel/result.ts'
import type { End } from '../../sip/events/ending.ts'
import type { Answers } from './answers.ts'
import type { Attempts } from './attempts.ts'
import { Polls } from './polls.ts'
import type { Showing } from './showing.ts'
import type { PresencePair } from './store.ts'
import { type Judged, take, Watch } from './watch.ts'

export interface PollingOptions {
  readonly clock: Clock
  readonly attempts: Pick<Attempts, 'begin'>
  readonly showing: Pick<Showing, 'all'>
  readonly answers: Pick<Answers, 'answer'>
  /** Whether there is an authorization, or one is asked for. */
  readonly isAsked: (pair: PresencePair) => boolean
}

/** Asks for the state once, for XMPP users without an authorization (RFC 8048 §7.1): one SUBSCRIBE at a time for each pair. */
export class Polling {
  readonly #options: PollingOptions
  readonly #polls = new Polls()

  constructor(options: PollingOptions) {
    this.#options = options
  }

  /** @param from who is to know */
  begin(pair: PresencePair, judged: Judged, from: string): Result<void, 'full'> {
    if (this.#polls.join(pair, from)) return ok(undefined)
    const watch = new Watch(pair, this.#options.clock.wall(), true)
    take(watch, judged)
    const begun = this.#options.attempts.begin(watch, 0)
    if (watch.subscription !== undefined) this.#polls.begin(pair, from)
    return begun
  }

  /** The answer is there. */
  state(watch: Watch): void {
    const asker = this.#polls.asker(watch.pair)
    if (asker !== undefined) this.#options.showing.all(watch, asker)
  }

  ended({ pair }: Watch, { authorization }: End): void {
    this.#polls.end(pair)
    // Somebody who has asked meanwhile would take it for the answer.
    if (authorization === 'lost' && !this.#options.isAsked(pair))
      this.#options.answers.answer({ pair }, 'unsubscribed')
  }
}
