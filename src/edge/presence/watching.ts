import { sameAddress } from '../../federation/address.ts'
import { type ContactState, NO_RESOURCES, onlyAvailable } from '../../interworking/presence/state.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import { sharing, tagIn } from '../../sip/dialog.ts'
import type { IncomingRequest } from '../../sip/endpoint/endpoint.ts'
import type { End } from '../../sip/events/ending.ts'
import type { SavedSubscription } from '../../sip/events/saved.ts'
import type { Subscription, SubscriptionOwner } from '../../sip/events/subscription.ts'
import { Subscriptions } from '../../sip/events/subscriptions.ts'
import type { Arrival } from '../arrival.ts'
import { Answers } from './answers.ts'
import { Asking } from './asking.ts'
import { Attempts } from './attempts.ts'
import type { Kept } from './kept.ts'
import { afterLoss } from './loss.ts'
import { Pending } from './pending.ts'
import { Polling } from './polling.ts'
import { forgotten, Showing } from './showing.ts'
import type { PresencePair, StoredAuthorization } from './store.ts'
import { anew, type Judged, sameKeys, take, Watch } from './watch.ts'
import { Watches } from './watches.ts'
import type { WatchingOptions } from './watching-options.ts'

/** A subscription that stood for so long has not failed, however it ended. */
const STOOD = 60_000

type Owner = Required<SubscriptionOwner<Watch, ContactState | undefined>>

/** XMPP users watch SIP users: we are their subscriber (RFC 8048 §5.2). */
export class Watching implements Owner {
  readonly #options: WatchingOptions
  readonly #subscriptions: Subscriptions<Watch, ContactState | undefined>
  readonly #watches: Watches
  readonly #pending: Pending
  readonly #answers: Answers
  readonly #showing: Showing
  readonly #asking: Asking
  readonly #attempts: Attempts
  readonly #polling: Polling

  constructor(options: WatchingOptions) {
    this.#options = options
    const { endpoint, keeping, timers, clock, random, limit, fault, retry } = options
    this.#pending = new Pending(options, (watch) => this.#giveUp(watch))
    this.#watches = new Watches(keeping, this.#pending, limit)
    this.#answers = new Answers(options)
    this.#showing = new Showing(options.people, this.#answers)
    this.#asking = new Asking(options)
    const machine = { later: Math.ceil(retry.first / 1000) }
    this.#subscriptions = new Subscriptions({
      endpoint,
      owner: this,
      timers,
      clock,
      random,
      machine,
      limit,
      fault,
    })
    this.#attempts = new Attempts(options, this.#subscriptions)
    this.#polling = new Polling({
      clock,
      attempts: this.#attempts,
      showing: this.#showing,
      answers: this.#answers,
      isAsked: (pair) => this.find(pair) !== undefined,
    })
  }

  get size(): number {
    return this.#watches.size
  }

  stats(): object {
    return { pairs: this.#watches.size, untold: this.#answers.untold, ...this.#subscriptions.stats() }
  }

  all(): Iterable<Watch> {
    return this.#watches.values()
  }

  find(pair: PresencePair): Watch | undefined {
    return this.#watches.find(pair)
  }

  close(): void {
    this.#subscriptions.close()
    this.#answers.close()
    this.#pending.close()
    for (const watch of this.#watches.values()) watch.rest()
  }

  /**
   * A NOTIFY to one of ours.
   * @param asked whom the rules were asked about: nobody else speaks in their dialogs
   */
  receive(incoming: IncomingRequest, asked: Pick<Arrival, 'from' | 'to'>): void {
    const subscription = this.#subscriptions.get(tagIn(incoming.request.headers.to()) ?? '')
    const resolved = subscription && this.#options.people.resolve(subscription.data.pair)
    if (resolved && !(sameAddress(resolved.sip, asked.from) && sameAddress(resolved.xmpp, asked.to)))
      incoming.respond(481)
    else this.#subscriptions.receive(incoming)
  }

  /** The rules have let a `subscribe` through. @param id of the stanza */
  subscribe(pair: PresencePair, judged: Judged, id: string | undefined): Result<void, 'full'> {
    const known = this.find(pair)
    const room = known === undefined ? this.#watches.room(pair) : ok(undefined)
    if (!room.ok) {
      this.#options.counters.add(`presence.${room.error}`)
      return err('full')
    }
    const watch = known ?? new Watch(pair, this.#options.clock.wall())
    take(watch, judged)
    watch.present = true
    watch.settled = false
    if (watch.authorization === 'asked') watch.request = id
    if (known === undefined) {
      const made = this.#attempts.now(watch)
      if (!made.ok) return made
      this.#watches.add(watch)
      this.#answers.recant(pair)
    } else if (watch.leaving === 'unsubscribe') {
      watch.again = true
    } else {
      // RFC 6121 §3.1.3: whoever may is told at once, and what the state is.
      if (watch.authorization === 'granted') {
        this.#answers.answer(watch, 'subscribed')
        this.#showing.all(watch, pair.xmpp)
      }
      this.#attempts.want(watch)
    }
    return ok(undefined)
  }

  /**
   * The rules have let a `probe` through. With an authorization it means that the user has come (RFC 8048 §5.2.2).
   * @param from who is to know
   */
  probe(pair: PresencePair, judged: Judged, from: string): Result<void, 'full'> {
    const watch = this.find(pair)
    if (watch === undefined) return this.#polling.begin(pair, judged, from)
    if (watch.leaving === 'unsubscribe') return ok(undefined)
    take(watch, judged)
    watch.present = true
    if (watch.authorization === 'granted') this.#showing.all(watch, from)
    this.#attempts.want(watch)
    return ok(undefined)
  }

  unsubscribe(pair: PresencePair): void {
    const watch = this.find(pair)
    if (watch === undefined) {
      this.#answers.confirm({ pair })
      return
    }
    const { subscription, leaving } = watch
    watch.again = false
    if (subscription === undefined) {
      this.#gone(watch)
      return
    }
    watch.leaving = 'unsubscribe'
    this.#watches.drop(watch)
    if (leaving === undefined) subscription.leave()
  }

  /** The XMPP user comes or goes: nothing is refreshed for somebody who is not there (RFC 8048 §8.1). */
  presence(pair: PresencePair, there: boolean): void {
    const watch = this.find(pair)
    if (watch === undefined || watch.present === there) return
    watch.present = there
    if (!there) {
      this.#sleep(watch)
      return
    }
    if (watch.known !== undefined) this.#show(watch)
    this.#attempts.want(watch)
  }

  #sleep(watch: Watch): void {
    if (watch.authorization !== 'granted' || watch.leaving === 'unsubscribe') return
    watch.rest()
    watch.again = false
    watch.shown = NO_RESOURCES
    if (!watch.settled) watch.known = undefined
    this.#leave(watch, 'absent')
  }

  #leave(watch: Watch, why: 'absent' | 'refused'): void {
    if (watch.subscription === undefined || watch.leaving !== undefined) return
    watch.leaving = why
    watch.subscription.leave()
  }

  /** The rules forbid it from now on. @param passing only for a while, so that the authorization stays */
  refuse(watch: Watch, passing: boolean): void {
    watch.refused = true
    watch.judged = true
    watch.settled = false
    watch.rest()
    if (watch.leaving !== 'unsubscribe') watch.again = false
    this.#hide(watch)
    if (!passing) this.#withdraw(watch)
    this.#leave(watch, 'refused')
  }

  /** The rules let it pass, as they are now. Whoever was not asked for meanwhile is to be renewed, and woken. */
  permit(watch: Watch, judged: Judged): void {
    const { notes, rich } = watch.withheld
    take(watch, judged)
    const changed = watch.withheld.notes !== notes || watch.withheld.rich !== rich
    if (changed && watch.known !== undefined) this.#show(watch)
  }

  /** The link to the XMPP server is back: it is told again, since it may have forgotten. */
  renew(watch: Watch): void {
    if (watch.authorization !== 'granted' || !watch.present || watch.leaving === 'unsubscribe') return
    this.#answers.first(watch.pair)
    watch.shown = forgotten(watch.shown.keys())
    // Where nothing is known yet, whatever the subscription brings or comes to is told.
    if (watch.known !== undefined || watch.subscription === undefined) this.#show(watch)
  }

  /** The link is back: who could not be told is told now. */
  settle(): void {
    this.#answers.settle()
  }

  /** Asks for the state where nobody does, for somebody who is there. */
  wake(watch: Watch): void {
    if (watch.retry === undefined) this.#attempts.want(watch)
  }

  restore(stored: StoredAuthorization): Watch {
    return this.#watches.restore(stored)
  }

  /** @param spread milliseconds within which it is refreshed */
  resume(watch: Watch, { saved, home, shown }: Kept, spread: number): boolean {
    const resumed = this.#subscriptions.resume(saved, watch, spread)
    if (!resumed.ok) return false
    resumed.value.dialog = sharing(resumed.value.dialog, watch.pair.sip)
    watch.subscription = resumed.value
    watch.home = home
    watch.begun = this.#options.clock.now()
    watch.shown = forgotten(shown)
    return true
  }

  readonly hops: Owner['hops'] = (_request, subscription) => this.#asking.hops(subscription)
  readonly sending: Owner['sending'] = (subscription) => this.#asking.sending(subscription)
  readonly fields: Owner['fields'] = (subscription) => this.#asking.fields(subscription)
  readonly read: Owner['read'] = (notify, subscription) => this.#asking.read(notify, subscription)

  state(document: ContactState | undefined, { data: watch }: Subscription<Watch>): void {
    if (document === undefined || watch.leaving !== undefined) return
    watch.known = onlyAvailable(document)
    if (watch.once) this.#polling.state(watch)
    else if (watch.authorization === 'granted') this.#show(watch)
  }

  /** Nobody is told: to have asked is no answer (RFC 8048 §5.2.1). What somebody could see until now is not known any more. */
  pending({ data: watch }: Subscription<Watch>): void {
    if (watch.leaving === undefined) this.#hide(watch)
  }

  active({ data: watch }: Subscription<Watch>, known: boolean): void {
    if (watch.once || watch.leaving !== undefined) return
    if (watch.authorization === 'asked') {
      this.#watches.granted(watch, this.#options.clock.wall())
      this.#answers.answer(watch, 'subscribed')
      if (!watch.present) this.#sleep(watch)
    }
    // RFC 8048 §5.2.1: that is unknown or closed.
    if (known || watch.leaving !== undefined) return
    watch.known = NO_RESOURCES
    this.#show(watch)
  }

  left(subscription: Subscription<Watch>): void {
    const { data: watch } = subscription
    if (watch.leaving === 'unsubscribe') this.#gone(watch)
    else this.#over(watch)
  }

  ended(end: End, subscription: Subscription<Watch>): void {
    const watch = subscription.data
    if (watch.once) {
      this.#polling.ended(watch, end)
      return
    }
    // It was left, and perhaps there is another by now.
    if (watch.subscription !== subscription) return
    const { leaving, begun } = watch
    if (leaving === 'unsubscribe') this.#gone(watch)
    this.#over(watch)
    if (leaving !== undefined || !this.#watches.has(watch)) return
    if (this.#options.clock.now() - begun >= STOOD) watch.failures = 0
    this.#lost(watch, end)
    watch.failures++
  }

  #over(watch: Watch): void {
    watch.subscription = undefined
    watch.leaving = undefined
    const { again } = watch
    watch.again = false
    if (again && this.#watches.has(watch)) this.#attempts.want(watch)
  }

  save(subscription: Subscription<Watch>, saved: SavedSubscription | undefined): void {
    const { data: watch } = subscription
    if (!watch.once) this.#watches.keep(watch, subscription.id, saved)
  }

  #lost(watch: Watch, end: End): void {
    const { clock, random, retry, giveUp, counters } = this.#options
    counters.add('presence.lost')
    if (end.notBefore !== undefined) watch.notBefore = clock.now() + end.notBefore * 1000
    const wall = clock.wall()
    const next = afterLoss(watch, end, { retry, giveUp, wall, fraction: random.fraction() })
    switch (next.kind) {
      case 'withdrawn':
        this.#hide(watch)
        this.#withdraw(watch)
        return
      case 'refused':
        this.#watches.forget(watch)
        this.#answers.refusal(watch, next.status)
        return
      case 'settled':
        watch.settled = true
        return
      case 'again':
        if (next.hide) this.#hide(watch)
        if (next.wait !== undefined) this.#attempts.later(watch, next.wait)
        return
      default:
        next satisfies never
    }
  }

  /** Nobody will say yes any more. Whoever leaves is gone soon. */
  #giveUp(watch: Watch): void {
    if (watch.leaving === 'unsubscribe') return
    this.#options.counters.add('presence.given-up')
    this.#hide(watch)
    this.#withdraw(watch)
    this.#leave(watch, 'refused')
  }

  #withdraw(watch: Watch): void {
    this.#watches.forget(watch)
    this.#answers.answer(watch, 'unsubscribed')
  }

  /** The user wanted it, and the notifier has heard it. */
  #gone(watch: Watch): void {
    if (!this.#watches.has(watch)) return
    this.#hide(watch)
    this.#watches.forget(watch)
    if (!watch.again) {
      this.#answers.confirm(watch)
      return
    }
    // Subscribed anew meanwhile: as if for the first time. `unsubscribed` would be taken for the answer.
    const next = anew(watch, this.#options.clock.wall())
    this.#watches.add(next)
    this.#attempts.want(next)
  }

  /** What has changed since the user was told last. */
  #show(watch: Watch): void {
    const { shown, subscription, judged } = watch
    if (!judged) return
    this.#showing.change(watch)
    if (subscription === undefined || watch.once || sameKeys(shown, watch.shown)) return
    const saved = this.#subscriptions.saved(subscription)
    if (saved !== undefined) this.#watches.keep(watch, subscription.id, saved)
  }

  /** Nobody knows any more. */
  #hide(watch: Watch): void {
    watch.known = undefined
    if (watch.shown.size > 0) this.#show(watch)
  }
}
