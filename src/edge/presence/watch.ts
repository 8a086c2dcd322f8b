import type { Verdict } from '../../federation/verdict.ts'
import { type ContactState, NO_RESOURCES, type Withheld } from '../../interworking/presence/state.ts'
import type { Timer } from '../../kernel/timer-wheel.ts'
import type { Subscription } from '../../sip/events/subscription.ts'
import type { PresencePair } from './store.ts'

/** One of each: very many are kept. */
const NOTHING: Withheld = { notes: false, rich: false }
const NOTES: Withheld = { notes: true, rich: false }
const ALL: Withheld = { notes: true, rich: true }

/**
 * An XMPP user watches a SIP user: the authorization, which lasts, and the SIP subscription, which comes and goes
 * (RFC 8048 §5.1).
 */
export class Watch {
  readonly pair: PresencePair
  /** Asked for the state once (RFC 8048 §7.1): there is no authorization, and nothing to keep. */
  readonly once: boolean
  authorization: 'asked' | 'granted' = 'asked'
  /** Milliseconds since the Unix epoch. */
  since: number
  /** Name of the home server of the SIP user. */
  home = ''
  /** What of the SIP user it is not to see. */
  withheld: Withheld = NOTHING
  /** `id` of the `subscribe` that nobody has answered yet. */
  request: string | undefined = undefined
  subscription: Subscription<Watch> | undefined = undefined
  /** Why it ends, where we wanted it so. */
  leaving: 'unsubscribe' | 'absent' | 'refused' | undefined = undefined
  /** The rules forbid it for a while. */
  refused = false
  /** False: of an earlier process, and the rules were not asked yet, so that nothing is asked for or shown. */
  judged = true
  /** Wanted again while it was ending. */
  again = false
  /** The notifier said that its state will not change, so that nobody need ask. */
  settled = false
  /** The XMPP user is there, as far as we know. */
  present = true
  /** The resources that are there, as the last NOTIFY with a document said; undefined: nobody knows. */
  known: ContactState | undefined = undefined
  /** As the XMPP user was told. */
  shown: ContactState = NO_RESOURCES
  /** Subscriptions that were lost since one stood for a while. */
  failures = 0
  begun = 0
  /** By the clock: sooner the notifier does not want to be asked. */
  notBefore = 0
  retry: Timer | undefined = undefined

  constructor(pair: PresencePair, since: number, once = false) {
    this.pair = pair
    this.since = since
    this.once = once
  }

  /** Renewed now, it tells its XMPP user something. */
  get speaks(): boolean {
    return this.authorization === 'granted' && this.present && (this.known?.size ?? 0) > 0
  }

  /** Nothing is tried again. */
  rest(): void {
    this.retry?.cancel()
    this.retry = undefined
  }
}

/** For the same pair, as if for the first time. */
export function anew(watch: Watch, since: number): Watch {
  const next = new Watch(watch.pair, since)
  next.home = watch.home
  next.withheld = watch.withheld
  next.refused = watch.refused
  next.request = watch.request
  next.notBefore = watch.notBefore
  return next
}

/** What the rules said of a pair. */
export interface Judged {
  readonly home: string
  readonly verdict: Pick<Verdict, 'providerType' | 'hideNotes'>
}

/** Whether the same resources are in both. */
export function sameKeys(a: ContactState, b: ContactState): boolean {
  if (a.size !== b.size) return false
  for (const key of a.keys()) if (!b.has(key)) return false
  return true
}

/**
 * The rules let it pass. Status notes and rich details are withheld from public providers (design: policy), notes also where the user
 * wants it.
 */
export function take(watch: Watch, { home, verdict: { providerType, hideNotes } }: Judged): void {
  watch.refused = false
  watch.judged = true
  watch.home = home
  watch.withheld = providerType === 'public' ? ALL : hideNotes ? NOTES : NOTHING
}
