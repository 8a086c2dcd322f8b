import type { PresenceLimits } from '../../interworking/presence/limits.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import type { Endpoint } from '../../sip/endpoint/endpoint.ts'
import type { IntakeLimits } from '../../sip/events/intake.ts'
import type { Counters } from '../counters.ts'
import type { Keeping } from './keeping.ts'
import type { People, Resolved } from './people.ts'
import type { PresencePair } from './store.ts'
import type { Ways } from './ways.ts'

export interface WatchedOptions {
  readonly endpoint: () => Endpoint
  readonly people: People
  readonly ways: Ways
  /** Milliseconds for which the XMPP user's server cannot be reached; 0: it is there, as far as is known. */
  readonly awayFor: (resolved: Pick<Resolved, 'via' | 'xmpp'>) => number
  /** Milliseconds after which what is known of it is too old to be shown. */
  readonly stale: number
  /** Whether the XMPP user sees the SIP user at this moment: it must not be told that the SIP user is gone. */
  readonly isSeen: (pair: PresencePair) => boolean
  readonly keeping: Keeping
  readonly intake: IntakeLimits
  /** Milliseconds between two NOTIFYs that tell of a change. */
  readonly interval: number
  /** Seconds that a watcher waits for an authorization. */
  readonly giveUp: number
  /** Watchers at a time, and pairs with an authorization; watchers of one pair; resources of one user. */
  readonly limit: number
  readonly devices: number
  /** NOTIFYs to one home server that have no answer yet. */
  readonly notifies: number
  readonly documents: PresenceLimits
  /** Seconds, with a refusal that is over by and by. */
  readonly retryAfter: number
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly counters: Counters
  readonly fault: (error: unknown) => void
}
