import type { PresenceLimits } from '../../interworking/presence/limits.ts'
import { presenceContent } from '../../interworking/presence/notify.ts'
import { DEFAULT_EXPIRES } from '../../interworking/presence/package.ts'
import { PIDF_TYPE } from '../../interworking/presence/pidf.ts'
import { nextTimestamp, stateToPidf } from '../../interworking/presence/presence-to-pidf.ts'
import { type SentType, typedPresence } from '../../interworking/presence/presence-write.ts'
import {
  leading,
  NO_RESOURCES,
  type PresenceChange,
  sameState,
  UNAVAILABLE,
  withPresence,
} from '../../interworking/presence/state.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import type { Endpoint, IncomingRequest } from '../../sip/endpoint/endpoint.ts'
import type { Hops, Sending } from '../../sip/events/carry.ts'
import type { EventPackage, IntakeLimits } from '../../sip/events/intake.ts'
import type { NotifierEnd } from '../../sip/events/notifier-state.ts'
import type { SavedSubscription } from '../../sip/events/saved.ts'
import type { Content, Offer, Watcher, WatcherOwner } from '../../sip/events/watcher.ts'
import { Watchers } from '../../sip/events/watchers.ts'
import type { HeaderField } from '../../sip/headers.ts'
import type { SipRequest } from '../../sip/message.ts'
import type { TerminationReason } from '../../sip/subscription-state.ts'
import type { Counters } from '../counters.ts'
import { closed, Exposure, trimmed } from './exposure.ts'
import type { Keeping } from './keeping.ts'
import type { Kept } from './kept.ts'
import { keyOf, type People } from './people.ts'
import type { PresencePair, StoredAuthorization } from './store.ts'
import type { Ways } from './ways.ts'

export interface WatchedOptions {
  readonly endpoint: () => Endpoint
  readonly people: People
  readonly ways: Ways
  /** Whether the state that the link brought is too old to be shown. */
  readonly isStale: (link: string) => boolean
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
  readonly documents: PresenceLimits
  /** Seconds, with a refusal that is over by and by. */
  readonly retryAfter: number
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly counters: Counters
  readonly fault: (error: unknown) => void
}

const PRESENCE: EventPackage = { name: 'presence', type: PIDF_TYPE, expires: DEFAULT_EXPIRES }

/** Milliseconds between `subscribed` and the NOTIFY that says so: the XMPP server sends the state right behind it. */
const SETTLE = 200
/** Milliseconds within which a probe is answered. */
const ANSWER = 10_000

/** A SUBSCRIBE that the rules have let through. */
export interface Admitted {
  readonly pair: PresencePair
  readonly home: string
}

/** SIP users watch XMPP users: we are the notifier (RFC 8048 §5.3). */
export class Watched implements WatcherOwner<Exposure> {
  readonly #options: WatchedOptions
  readonly #watchers: Watchers<Exposure>
  readonly #exposures = new Map<string, Exposure>()
  /** Of the request that is being taken. */
  #admitted: Admitted | undefined

  constructor(options: WatchedOptions) {
    this.#options = options
    const { endpoint, timers, clock, random, intake, limit, interval, giveUp, retryAfter, fault } = options
    this.#watchers = new Watchers({
      endpoint,
      owner: this,
      packages: [PRESENCE],
      timers,
      clock,
      random,
      intake,
      machine: { interval, giveUp },
      limit,
      retryAfter,
      fault,
    })
  }

  stats(): object {
    return { pairs: this.#exposures.size, ...this.#watchers.stats() }
  }

  all(): Iterable<Exposure> {
    return this.#exposures.values()
  }

  find(pair: Pick<PresencePair, 'xmpp' | 'sip'>): Exposure | undefined {
    return this.#exposures.get(keyOf(pair))
  }

  close(): void {
    this.#watchers.close()
    for (const { settling } of this.#exposures.values()) settling?.cancel()
  }

  receive(incoming: IncomingRequest, admitted: Admitted): void {
    this.#admitted = admitted
    this.#watchers.receive(incoming)
    this.#admitted = undefined
  }

  offered(offer: Offer<Exposure>): void {
    const { clock, limit, devices, counters, retryAfter } = this.#options
    const { pair, home } = this.#admitted as Admitted
    const known = this.find(pair)
    const full = known === undefined ? this.#exposures.size >= limit : known.watchers.size >= devices
    if (full && offer.expires > 0) {
      counters.add('presence.full')
      offer.refuse(503, { headers: [['Retry-After', String(retryAfter)]] })
      return
    }
    const exposure = known ?? new Exposure(pair, clock.wall(), home)
    exposure.home = home
    exposure.nick = offer.request.headers.from()?.display || undefined
    const { authorization } = exposure
    const status = authorization === 'granted' ? 'active' : 'pending'
    if (offer.expires === 0) {
      counters.add('presence.fetched')
      offer.accept(status, exposure)
      if (exposure.state === undefined) this.#say(exposure, 'probe')
      return
    }
    const watcher = offer.accept(status, exposure)
    if (watcher === undefined) return
    counters.add('presence.watched')
    this.#exposures.set(keyOf(pair), exposure)
    exposure.watchers.add(watcher)
    if (known === undefined) this.#options.keeping.authorization(exposure)
    this.ask(exposure)
  }

  /** Whatever is still open between us and the XMPP user: the authorization, or the state (RFC 6121 §3.1.3, §4.3). */
  ask(exposure: Exposure): void {
    if (exposure.authorization === 'asked') this.#say(exposure, 'subscribe')
    else if (exposure.state === undefined) this.#say(exposure, 'probe')
  }

  /** The link is back: it may have missed something. */
  renew(exposure: Exposure): void {
    if (exposure.watchers.size === 0) return
    if (exposure.authorization === 'asked') {
      this.#say(exposure, 'subscribe')
      return
    }
    this.#say(exposure, 'probe')
    if (exposure.state === undefined) return
    exposure.suspects = new Set(exposure.state.keys())
    this.#options.timers.set(ANSWER, () => this.#miss(exposure))
  }

  /** A probe brings what is there (RFC 6121 §4.3.2): a resource that it did not bring is gone. */
  #miss(exposure: Exposure): void {
    const { suspects = [] } = exposure
    exposure.suspects = undefined
    const since = this.#options.clock.wall()
    for (const resource of suspects)
      this.presence(exposure.pair, { resource, state: { ...UNAVAILABLE, since } })
  }

  /** `subscribed` (RFC 6121 §3.1.6). */
  granted(pair: PresencePair): void {
    const exposure = this.find(pair)
    if (exposure === undefined || exposure.authorization === 'granted') return
    const { clock, timers } = this.#options
    exposure.authorization = 'granted'
    exposure.since = clock.wall()
    this.#options.keeping.authorization(exposure)
    exposure.settling = timers.set(SETTLE, () => {
      exposure.settling = undefined
      if (exposure.authorization === 'granted') for (const watcher of exposure.watchers) watcher.grant()
    })
  }

  /** `unsubscribed`: a refusal, or a withdrawal later (RFC 8048 §5.3.1). */
  rejected(pair: PresencePair): void {
    const exposure = this.find(pair)
    if (exposure !== undefined) this.#end(exposure, 'rejected')
  }

  /** Our `subscribe` came back as an error. @param passing it may do by and by */
  failed(pair: PresencePair, passing: boolean): void {
    const exposure = this.find(pair)
    if (exposure?.authorization !== 'asked') return
    if (passing) this.#end(exposure, 'probation', this.#options.retryAfter)
    else this.#end(exposure, 'rejected')
  }

  /** Presence of the XMPP user, without type or `unavailable`. */
  presence(pair: PresencePair, change: PresenceChange): void {
    const exposure = this.find(pair)
    if (exposure?.authorization !== 'granted') return
    const { documents } = this.#options
    exposure.suspects?.delete(change.resource)
    const before = exposure.state?.get(change.resource)
    if (before !== undefined && sameState(before, change.state) && !exposure.toldClosed) return
    exposure.toldClosed = false
    exposure.state = withPresence(exposure.state ?? NO_RESOURCES, change, documents.resources)
    for (const watcher of exposure.watchers) watcher.changed()
  }

  /** The rules forbid it from now on. @param passing only for a while, so that the authorization stays */
  refuse(exposure: Exposure, passing: boolean): void {
    exposure.refused = true
    if (!passing) {
      this.#say(exposure, 'unsubscribe')
      this.#end(exposure, 'rejected')
      return
    }
    exposure.state = undefined
    for (const watcher of exposure.watchers) watcher.end('probation', this.#options.retryAfter)
  }

  permit(exposure: Exposure, home: string): void {
    exposure.home = home
    exposure.refused = false
  }

  restore({ direction, xmpp, sip, state, since }: StoredAuthorization): Exposure {
    const exposure = new Exposure({ direction, xmpp, sip }, since, '')
    exposure.authorization = state
    this.#exposures.set(keyOf(exposure.pair), exposure)
    return exposure
  }

  resume(exposure: Exposure, { saved, home }: Kept): boolean {
    const resumed = this.#watchers.resume(saved, exposure)
    if (!resumed.ok) return false
    exposure.watchers.add(resumed.value)
    exposure.home = home
    // Granted while the process was about to end.
    if (exposure.authorization === 'granted') resumed.value.grant()
    return true
  }

  hops(_request: SipRequest, { data }: Watcher<Exposure>): Hops {
    return this.#options.ways.to(data.home)
  }

  sending({ data }: Watcher<Exposure>): Sending | undefined {
    return this.#options.ways.sending(data.home)
  }

  fields(watcher: Watcher<Exposure>): readonly HeaderField[] {
    const { people, ways } = this.#options
    const exposure = watcher.data
    const resolved = people.resolve(exposure.pair)
    if (resolved === undefined) return []
    return [...ways.fields(resolved.uri, watcher.id, exposure.home), ...ways.mark(resolved, exposure.home)]
  }

  /** Empty where nothing is known (RFC 8048 §5.3.2): the watcher keeps what it had. */
  content({ data: exposure }: Watcher<Exposure>, what: 'now' | 'last'): Content | undefined {
    const { people, clock, isStale } = this.#options
    const resolved = people.resolve(exposure.pair)
    if (resolved === undefined) return undefined
    const now = clock.wall()
    if (exposure.state !== undefined) exposure.state = trimmed(exposure.state, now)
    const over = what === 'last' || isStale(resolved.via.row.name)
    if (!over && exposure.state === undefined) return undefined
    if (over && what === 'now') exposure.toldClosed = true
    const state = over ? closed(exposure.state) : (exposure.state ?? closed(undefined))
    exposure.stamp = nextTimestamp(now, exposure.stamp)
    const document = stateToPidf(state, { uri: resolved.uri, timestamp: exposure.stamp })
    return presenceContent(document, leading(state)?.lang)
  }

  ended(end: NotifierEnd, watcher: Watcher<Exposure>): void {
    const exposure = watcher.data
    exposure.watchers.delete(watcher)
    if (end.kind === 'fetched' || end.kind === 'by-owner' || exposure.watchers.size > 0) return
    if (this.find(exposure.pair) !== exposure) return
    // It asks no more (RFC 6121 §3.2.2); with an authorization it has only gone (RFC 8048 §5.3.3).
    if (exposure.authorization === 'asked') {
      this.#say(exposure, 'unsubscribe')
      this.#forget(exposure)
    } else if (!this.#options.isSeen(exposure.pair)) this.#say(exposure, 'unavailable')
  }

  save(watcher: Watcher<Exposure>, saved: SavedSubscription | undefined): void {
    this.#options.keeping.dialog(watcher.data, watcher.id, saved, [])
  }

  #end(exposure: Exposure, reason: TerminationReason, retryAfter?: number): void {
    this.#forget(exposure)
    for (const watcher of exposure.watchers) watcher.end(reason, retryAfter)
  }

  #forget(exposure: Exposure): void {
    exposure.settling?.cancel()
    exposure.settling = undefined
    if (this.#exposures.delete(keyOf(exposure.pair))) this.#options.keeping.drop(exposure)
  }

  #say({ pair, nick }: Exposure, type: SentType): void {
    this.#options.people.tell(pair, ({ contact }) => [
      typedPresence(type, { from: contact, to: pair.xmpp }, nick),
    ])
  }
}
