import type { Mark } from '../../federation/model.ts'
import type { Verdict } from '../../federation/verdict.ts'
import { type ContactState, NO_RESOURCES, type Withheld } from '../../interworking/presence/state.ts'
import type { Timer } from '../../kernel/timer-wheel.ts'
import type { Subscription } from '../../sip/events/subscription.ts'
import type { PresencePair } from './store.ts'

export const NOTHING_WITHHELD: Withheld = { notes: false, rich: false }

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
  /** What the rules made of the XMPP user. */
  mark: Mark = 'unverified'
  /** What of the SIP user it is not to see. */
  withheld: Withheld = NOTHING_WITHHELD
  subscription: Subscription<Watch> | undefined = undefined
  /** Why it ends, where we wanted it so. */
  leaving: 'unsubscribe' | 'absent' | 'refused' | undefined = undefined
  /** The notifier has heard that it ends; its last word is still to come. */
  left = false
  /** The rules forbid it for a while. */
  refused = false
  /** Wanted again while it was ending. */
  again = false
  /** The XMPP user is there, as far as we know. */
  present = true
  /** As the last NOTIFY said. */
  known: ContactState = NO_RESOURCES
  /** As the XMPP user was told. */
  shown: ContactState = NO_RESOURCES
  /** Subscriptions that were lost since one stood for a while. */
  failures = 0
  begun = 0
  retry: Timer | undefined = undefined

  constructor(pair: PresencePair, since: number, once = false) {
    this.pair = pair
    this.since = since
    this.once = once
  }
}

/** What the rules said of a pair. */
export interface Judged {
  readonly home: string
  readonly verdict: Pick<Verdict, 'mark' | 'providerType' | 'hideNotes'>
}

/** Whether the same resources are in both. */
export function sameKeys(a: ContactState, b: ContactState): boolean {
  if (a.size !== b.size) return false
  for (const key of a.keys()) if (!b.has(key)) return false
  return true
}

/** Status notes and rich details are withheld from public providers (design: policy), notes also where the user wants it. */
export function take(watch: Watch, { home, verdict: { mark, providerType, hideNotes } }: Judged): void {
  watch.home = home
  watch.mark = mark
  watch.withheld = { notes: providerType === 'public' || hideNotes, rich: providerType === 'public' }
}
