import type { PresenceLimits } from '../../interworking/presence/limits.ts'
import { readNotify } from '../../interworking/presence/notify.ts'
import { ACCEPT_CATEGORIES } from '../../interworking/presence/package.ts'
import { type ContactState, NO_RESOURCES, onlyAvailable } from '../../interworking/presence/state.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import type { Endpoint, IncomingRequest } from '../../sip/endpoint/endpoint.ts'
import type { Hops, Sending } from '../../sip/events/carry.ts'
import type { End } from '../../sip/events/ending.ts'
import type { SavedSubscription } from '../../sip/events/saved.ts'
import type { Subscription, SubscriptionOwner, Unread } from '../../sip/events/subscription.ts'
import { Subscriptions } from '../../sip/events/subscriptions.ts'
import type { HeaderField } from '../../sip/headers.ts'
import type { SipRequest } from '../../sip/message.ts'
import { uriText } from '../../sip/uri-write.ts'
import type { Counters } from '../counters.ts'
import type { BackoffOptions } from './backoff.ts'
import type { Keeping } from './keeping.ts'
import type { Kept } from './kept.ts'
import { afterLoss } from './loss.ts'
import { keyOf, type Resolved } from './people.ts'
import { forgotten, Showing, type ShowingOptions } from './showing.ts'
import type { PresencePair, StoredAuthorization } from './store.ts'
import { type Judged, sameKeys, take, Watch } from './watch.ts'
import type { Ways } from './ways.ts'

export interface WatchingOptions extends ShowingOptions {
  readonly endpoint: () => Endpoint
  readonly ways: Ways
  /** Of each request to that home server: what it must know of the sender. */
  readonly marked: (watch: Watch, resolved: Resolved) => readonly HeaderField[]
  readonly keeping: Keeping
  /** Seconds that are asked for. */
  readonly expires: number
  /** Milliseconds after which nobody will say yes any more. */
  readonly giveUp: number
  readonly retry: BackoffOptions
  /** Subscriptions at a time, and pairs with an authorization. */
  readonly limit: number
  readonly documents: PresenceLimits
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly counters: Counters
  readonly fault: (error: unknown) => void
}

/** A subscription that stood for so long has not failed, however it ended. */
const STOOD = 60_000

/** XMPP users watch SIP users: we are their subscriber (RFC 8048 §5.2). */
export class Watching implements SubscriptionOwner<Watch, ContactState | undefined> {
  readonly #options: WatchingOptions
  readonly #subscriptions: Subscriptions<Watch, ContactState | undefined>
  readonly #watches = new Map<string, Watch>()
  readonly #showing: Showing

  constructor(options: WatchingOptions) {
    this.#options = options
    this.#showing = new Showing(options)
    const { endpoint, timers, clock, random, limit, fault } = options
    this.#subscriptions = new Subscriptions({ endpoint, owner: this, timers, clock, random, limit, fault })
  }

  get size(): number {
    return this.#watches.size
  }

  stats(): object {
    return { pairs: this.#watches.size, ...this.#subscriptions.stats() }
  }

  all(): Iterable<Watch> {
    return this.#watches.values()
  }

  find(pair: PresencePair): Watch | undefined {
    return this.#watches.get(keyOf(pair))
  }

  close(): void {
    this.#subscriptions.close()
    for (const { retry } of this.#watches.values()) retry?.cancel()
  }

  /** A NOTIFY to one of ours. */
  receive(incoming: IncomingRequest): void {
    this.#subscriptions.receive(incoming)
  }

  /** The rules have let a `subscribe` through. */
  subscribe(pair: PresencePair, judged: Judged): Result<void, 'full'> {
    const { clock, limit } = this.#options
    let watch = this.find(pair)
    if (watch === undefined) {
      if (this.#watches.size >= limit) return err('full')
      watch = new Watch(pair, clock.wall())
      this.#watches.set(keyOf(pair), watch)
    }
    take(watch, judged)
    watch.present = true
    if (watch.leaving !== undefined) {
      this.#whenLeft(watch)
      return ok(undefined)
    }
    this.#options.keeping.authorization(watch)
    // RFC 6121 §3.1.3: whoever may is told at once, and what the state is.
    if (watch.authorization === 'granted') {
      this.#showing.answer(pair, 'subscribed')
      this.#showing.all(watch)
    }
    return this.#ensure(watch)
  }

  /** The rules have let a `probe` through. With an authorization it means that the user has come (RFC 8048 §5.2.2). */
  probe(pair: PresencePair, judged: Judged): Result<void, 'full'> {
    const watch = this.find(pair)
    if (watch === undefined) {
      const once = new Watch(pair, this.#options.clock.wall(), true)
      take(once, judged)
      return this.#begin(once, 0)
    }
    take(watch, judged)
    watch.present = true
    if (watch.leaving === 'absent') this.#whenLeft(watch)
    else if (watch.authorization === 'granted' && watch.subscription !== undefined) this.#showing.all(watch)
    return this.#ensure(watch)
  }

  unsubscribe(pair: PresencePair): void {
    const watch = this.find(pair)
    if (watch?.subscription === undefined || watch.leaving !== undefined) {
      if (watch?.leaving !== undefined) {
        watch.leaving = 'unsubscribe'
        watch.again = false
        return
      }
      if (watch !== undefined) this.#forget(watch)
      this.#showing.answer(pair, 'unsubscribed')
      return
    }
    watch.leaving = 'unsubscribe'
    this.#options.keeping.drop(watch)
    watch.subscription.leave()
  }

  /** The XMPP user comes or goes: nothing is refreshed for somebody who is not there (RFC 8048 §8.1). */
  presence(pair: PresencePair, there: boolean): void {
    const watch = this.find(pair)
    if (watch === undefined || watch.present === there) return
    watch.present = there
    if (there) {
      if (watch.leaving === 'absent') this.#whenLeft(watch)
      else this.#ensure(watch)
      return
    }
    watch.retry?.cancel()
    watch.retry = undefined
    if (watch.leaving !== undefined || watch.authorization !== 'granted') return
    watch.known = NO_RESOURCES
    watch.shown = NO_RESOURCES
    if (watch.subscription === undefined) return
    watch.leaving = 'absent'
    watch.subscription.leave()
  }

  /** The rules forbid it from now on. @param passing only for a while, so that the authorization stays */
  refuse(watch: Watch, passing: boolean): void {
    watch.refused = true
    this.#showNothing(watch)
    if (!passing) {
      this.#showing.answer(watch.pair, 'unsubscribed')
      this.#forget(watch)
    }
    watch.retry?.cancel()
    watch.retry = undefined
    if (watch.subscription === undefined || watch.leaving !== undefined) return
    watch.leaving = 'refused'
    watch.subscription.leave()
  }

  /** The rules let it pass, as they are now. */
  permit(watch: Watch, judged: Judged): void {
    const { notes, rich } = watch.withheld
    take(watch, judged)
    const changed = watch.withheld.notes !== notes || watch.withheld.rich !== rich
    if (changed) this.#show(watch)
    if (!watch.refused) return
    watch.refused = false
    if (watch.leaving === 'refused') this.#whenLeft(watch)
    else this.#ensure(watch)
  }

  /** The link to the XMPP server is back: it is told again, since it may have forgotten. */
  renew(watch: Watch): void {
    if (watch.authorization !== 'granted' || !watch.present) return
    watch.shown = forgotten(watch.shown.keys())
    this.#show(watch)
  }

  /** Asks for the state where nobody does, for somebody who is there. */
  wake(watch: Watch): void {
    if (!watch.refused && watch.retry === undefined) this.#ensure(watch)
  }

  restore({ direction, xmpp, sip, state, since }: StoredAuthorization): Watch {
    const watch = new Watch({ direction, xmpp, sip }, since)
    watch.authorization = state
    this.#watches.set(keyOf(watch.pair), watch)
    return watch
  }

  /** @param spread milliseconds within which it is refreshed */
  resume(watch: Watch, { saved, home, shown }: Kept, spread: number): boolean {
    const resumed = this.#subscriptions.resume(saved, watch, spread)
    if (!resumed.ok) return false
    watch.subscription = resumed.value
    watch.home = home
    watch.begun = this.#options.clock.now()
    watch.shown = forgotten(shown)
    return true
  }

  hops(_request: SipRequest, { data }: Subscription<Watch>): Hops {
    return this.#options.ways.to(data.home)
  }

  sending({ data }: Subscription<Watch>): Sending | undefined {
    return this.#options.ways.sending(data.home)
  }

  fields(subscription: Subscription<Watch>): readonly HeaderField[] {
    const { people, ways, marked } = this.#options
    const watch = subscription.data
    const resolved = people.resolve(watch.pair)
    if (resolved === undefined) return [ACCEPT_CATEGORIES]
    return [
      ...ways.fields(resolved.uri, subscription.id, watch.home),
      ACCEPT_CATEGORIES,
      ...marked(watch, resolved),
    ]
  }

  read(notify: SipRequest, { data }: Subscription<Watch>): Result<ContactState | undefined, Unread> {
    const notice = readNotify(notify, data.known, this.#options.documents)
    return notice.ok ? ok(notice.value.presence) : notice
  }

  state(document: ContactState | undefined, { data: watch }: Subscription<Watch>): void {
    if (document === undefined || watch.leaving !== undefined) return
    watch.known = onlyAvailable(document)
    if (watch.once || watch.authorization === 'granted') this.#show(watch)
  }

  /** Nobody is told: to have asked is no answer (RFC 8048 §5.2.1). */
  pending(): void {}

  active({ data: watch }: Subscription<Watch>): void {
    if (watch.once || watch.leaving !== undefined || watch.authorization === 'granted') return
    watch.authorization = 'granted'
    watch.since = this.#options.clock.wall()
    this.#options.keeping.authorization(watch)
    this.#showing.answer(watch.pair, 'subscribed')
  }

  /** It need not be waited for what the notifier says at the end. */
  left(subscription: Subscription<Watch>): void {
    const watch = subscription.data
    if (watch.subscription !== subscription) return
    if (watch.leaving === 'unsubscribe') this.#gone(watch)
    else if (watch.again) this.#anew(watch)
    else watch.left = true
  }

  ended(end: End, subscription: Subscription<Watch>): void {
    const watch = subscription.data
    if (!watch.once && watch.subscription !== subscription) return
    const { leaving } = watch
    const stood = this.#options.clock.now() - watch.begun >= STOOD
    watch.subscription = undefined
    watch.leaving = undefined
    watch.left = false
    if (watch.once) {
      if (end.authorization === 'lost') this.#showing.answer(watch.pair, 'unsubscribed')
      return
    }
    if (leaving === 'unsubscribe') this.#gone(watch)
    if (this.find(watch.pair) !== watch) return
    if (watch.again) this.#anew(watch)
    if (leaving !== undefined) return
    if (stood) watch.failures = 0
    this.#lost(watch, end)
    watch.failures++
  }

  save(subscription: Subscription<Watch>, saved: SavedSubscription | undefined): void {
    const { data: watch } = subscription
    if (!watch.once) this.#keep(watch, subscription.id, saved)
  }

  #keep(watch: Watch, id: string, saved: SavedSubscription | undefined): void {
    const over = watch.leaving === 'unsubscribe' || watch.leaving === 'refused'
    this.#options.keeping.dialog(watch, id, over ? undefined : saved, watch.shown.keys())
  }

  /** A subscription where there is none, for somebody who is there. */
  #ensure(watch: Watch): Result<void, 'full'> {
    if (watch.subscription !== undefined || !watch.present) return ok(undefined)
    watch.retry?.cancel()
    watch.retry = undefined
    return this.#begin(watch, this.#options.expires)
  }

  #begin(watch: Watch, expires: number): Result<void, 'full'> {
    const { people, clock, counters } = this.#options
    const resolved = people.resolve(watch.pair)
    // Without a link nobody would hear of it; it is asked for when one is back.
    if (resolved === undefined) return ok(undefined)
    const made = this.#subscriptions.subscribe({
      from: uriText(resolved.uri),
      to: watch.pair.sip,
      event: { package: 'presence', id: undefined },
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

  /** Wanted again while it was being left. */
  #anew(watch: Watch): void {
    watch.subscription = undefined
    watch.leaving = undefined
    watch.left = false
    watch.again = false
    this.#ensure(watch)
  }

  #whenLeft(watch: Watch): void {
    if (watch.left) this.#anew(watch)
    else watch.again = true
  }

  #lost(watch: Watch, end: End): void {
    const { clock, timers, random, retry, giveUp, counters } = this.#options
    counters.add('presence.lost')
    const wall = clock.wall()
    const next = afterLoss(watch, end, { retry, giveUp, wall, fraction: random.fraction() })
    if (next.kind !== 'again') {
      this.#showNothing(watch)
      this.#forget(watch)
      if (next.kind === 'refused') this.#showing.refusal(watch, next.status)
      else this.#showing.answer(watch.pair, 'unsubscribed')
      return
    }
    if (next.hide) this.#showNothing(watch)
    if (next.wait === undefined) return
    watch.retry = timers.set(next.wait, () => {
      watch.retry = undefined
      this.#ensure(watch)
    })
  }

  /** The user wanted it, and the notifier has heard it. */
  #gone(watch: Watch): void {
    if (this.find(watch.pair) !== watch) return
    this.#showNothing(watch)
    this.#forget(watch)
    this.#showing.answer(watch.pair, 'unsubscribed')
    if (!watch.again) return
    // Subscribed anew meanwhile: as if for the first time.
    const next = new Watch(watch.pair, this.#options.clock.wall())
    next.home = watch.home
    next.mark = watch.mark
    next.withheld = watch.withheld
    this.#watches.set(keyOf(next.pair), next)
    this.#options.keeping.authorization(next)
    this.#ensure(next)
  }

  #forget(watch: Watch): void {
    watch.retry?.cancel()
    watch.retry = undefined
    if (this.#watches.delete(keyOf(watch.pair))) this.#options.keeping.drop(watch)
  }

  /** What has changed since the user was told last. */
  #show(watch: Watch): void {
    const { shown, subscription } = watch
    this.#showing.change(watch)
    if (subscription === undefined || watch.once || sameKeys(shown, watch.shown)) return
    const saved = this.#subscriptions.saved(subscription)
    if (saved !== undefined) this.#keep(watch, subscription.id, saved)
  }

  #showNothing(watch: Watch): void {
    watch.known = NO_RESOURCES
    this.#show(watch)
  }
}
