import { keptText } from '../../interworking/presence/lang-text.ts'
import { DEFAULT_EXPIRES } from '../../interworking/presence/package.ts'
import { PIDF_TYPE } from '../../interworking/presence/pidf.ts'
import {
  NO_RESOURCES,
  type PresenceChange,
  UNAVAILABLE,
  withPresence,
} from '../../interworking/presence/state.ts'
import { flat } from '../../kernel/flat.ts'
import { sharing, tagIn } from '../../sip/dialog.ts'
import type { IncomingRequest } from '../../sip/endpoint/endpoint.ts'
import type { Hops, Sending } from '../../sip/events/carry.ts'
import type { EventPackage } from '../../sip/events/intake.ts'
import type { NotifierEnd } from '../../sip/events/notifier-state.ts'
import type { SavedSubscription } from '../../sip/events/saved.ts'
import type { Content, Offer, Watcher, WatcherOwner } from '../../sip/events/watcher.ts'
import { Watchers } from '../../sip/events/watchers.ts'
import type { HeaderField } from '../../sip/headers.ts'
import type { SipRequest } from '../../sip/message.ts'
import type { TerminationReason } from '../../sip/subscription-state.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { contentOf } from './document.ts'
import { Exposure, isKnown, present } from './exposure.ts'
import { Fetching } from './fetching.ts'
import type { Kept } from './kept.ts'
import { keyOf } from './people.ts'
import { failureOf, type Say, sayingTo } from './saying.ts'
import type { PresencePair, StoredAuthorization } from './store.ts'
import type { WatchedOptions } from './watched-options.ts'

const PRESENCE: EventPackage = { name: 'presence', type: PIDF_TYPE, expires: DEFAULT_EXPIRES }

/**
 * Milliseconds between `subscribed` or the first of a state and the NOTIFY that tells of it: the XMPP server sends the rest
 * right behind it, and a document is the whole state.
 */
const SETTLE = 200
/** Milliseconds within which a probe is answered. */
const ANSWER = 10_000
/** Seconds after which somebody who gave up may ask again. */
const GIVE_UP_RETRY = 86_400
/** A SUBSCRIBE that the rules have let through. */
export interface Admitted {
  readonly pair: PresencePair
  readonly home: string
  /** The XMPP user may know how the SIP user likes to be called (design: policy). */
  readonly named: boolean
}

/** SIP users watch XMPP users: we are the notifier (RFC 8048 §5.3). */
export class Watched implements WatcherOwner<Exposure> {
  readonly #options: WatchedOptions
  readonly #watchers: Watchers<Exposure>
  readonly #exposures = new Map<string, Exposure>()
  readonly #fetching: Fetching
  readonly #say: Say
  /** Of the request that is being taken. */
  #admitted: Admitted | undefined

  constructor(options: WatchedOptions) {
    this.#options = options
    const { endpoint, people, timers, clock, random, intake, interval, giveUp, retryAfter, fault } = options
    const { limit, devices, notifies: underWay } = options
    const done = (pair: PresencePair): void => {
      const exposure = this.find(pair)
      if (exposure?.authorization === 'asked') this.ask(exposure)
    }
    this.#say = sayingTo(people, random)
    this.#fetching = new Fetching({ timers, limit, devices, done })
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
      underWay,
      retryAfter,
      fault,
    })
  }

  stats(): object {
    return { pairs: this.#exposures.size, fetching: this.#fetching.size, ...this.#watchers.stats() }
  }

  all(): Iterable<Exposure> {
    return this.#exposures.values()
  }

  find(pair: Pick<PresencePair, 'xmpp' | 'sip'>): Exposure | undefined {
    return this.#exposures.get(keyOf(pair))
  }

  /** Whether anybody here wants to know what this pair's XMPP user is. */
  wants(pair: PresencePair): boolean {
    return this.find(pair) !== undefined || this.#fetching.find(pair) !== undefined
  }

  close(): void {
    this.#watchers.close()
    this.#fetching.close()
    for (const exposure of this.#exposures.values()) exposure.quiet()
  }

  receive(incoming: IncomingRequest, admitted: Admitted): void {
    const tag = tagIn(incoming.request.headers.to())
    const watcher = tag === undefined ? undefined : this.#watchers.get(tag)
    // The rules were asked about these two, and the dialog is of others (RFC 8048 §8.2).
    if (watcher !== undefined && keyOf(watcher.data.pair) !== keyOf(admitted.pair)) {
      incoming.respond(481)
      return
    }
    this.#admitted = admitted
    this.#watchers.receive(incoming)
    this.#admitted = undefined
  }

  offered(offer: Offer<Exposure>): void {
    const { clock, limit, devices, documents } = this.#options
    const { pair, home, named } = this.#admitted as Admitted
    const known = this.find(pair)
    if (known !== undefined) {
      known.refused = false
      known.judged = true
    }
    if (offer.expires === 0) {
      this.#fetch(offer, known ?? new Exposure(pair, clock.wall(), home))
      return
    }
    if (known === undefined ? this.#exposures.size >= limit : known.watchers.length >= devices) {
      this.#full(offer)
      return
    }
    const exposure = known ?? new Exposure(pair, clock.wall(), home)
    exposure.home = home
    const display = named ? offer.request.headers.from()?.display : undefined
    if (exposure.authorization === 'asked')
      exposure.nick = keptText(display ?? '', documents.textLength) || undefined
    if (known === undefined) {
      this.#exposures.set(flat(keyOf(pair)), exposure)
      this.#expectDecision(exposure)
      this.#options.keeping.authorization(exposure)
    }
    const watcher = offer.accept(exposure.authorization === 'granted' ? 'active' : 'pending', exposure)
    if (watcher === undefined) {
      if (known === undefined) this.#forget(exposure)
      return
    }
    watcher.dialog = sharing(watcher.dialog, exposure.pair.sip)
    this.#options.counters.add('presence.watched')
    exposure.watchers = exposure.watchers.concat(watcher)
    this.ask(exposure)
  }

  /** The state, once (RFC 8048 §7.2). Somebody who waits for an authorization learns nothing, and asks nothing else. */
  #fetch(offer: Offer<Exposure>, exposure: Exposure): void {
    const isNew = this.find(exposure.pair) === undefined
    const granted = exposure.authorization === 'granted'
    const under = this.#fetching.find(exposure.pair)
    const open = isNew || (granted && exposure.state === undefined)
    const asked = open && (under !== undefined || this.#say(exposure, 'probe'))
    if (asked && !this.#fetching.begin(under ?? exposure, offer)) {
      this.#full(offer)
      return
    }
    this.#options.counters.add('presence.fetched')
    if (!asked) offer.accept(granted ? 'active' : 'pending', exposure)
  }

  #full(offer: Offer<Exposure>): void {
    const { counters, retryAfter } = this.#options
    counters.add('presence.full')
    offer.refuse(503, { headers: [['Retry-After', String(retryAfter)]] })
  }

  /**
   * Whatever is still open between us and the XMPP user: the authorization, or the state (RFC 6121 §3.1.3, §4.3). Not while a
   * probe is under way, to which somebody without authorization may hear `unsubscribed` (§4.3.2): it would look like the answer.
   */
  ask(exposure: Exposure): void {
    if (exposure.refused || !exposure.judged) return
    if (exposure.authorization === 'granted') {
      if (exposure.state === undefined && exposure.settling === undefined) this.#say(exposure, 'probe')
    } else if (this.#fetching.find(exposure.pair) === undefined) this.#say(exposure, 'subscribe')
  }

  #isAway({ pair }: Exposure): boolean {
    const resolved = this.#options.people.resolve(pair)
    return resolved?.via.link.live !== true || this.#options.awayFor(resolved) > 0
  }

  /** The link is back, or the process has started: something may have been missed. */
  renew(exposure: Exposure): void {
    if (exposure.authorization === 'asked') {
      if (exposure.watchers.length > 0) this.ask(exposure)
      return
    }
    if (exposure.refused || exposure.settling !== undefined || !this.#say(exposure, 'probe')) return
    exposure.suspects = exposure.state && present(exposure.state)
    exposure.waiting?.cancel()
    exposure.waiting = this.#options.timers.set(ANSWER, () => this.#miss(exposure))
  }

  /** A probe brings what is there (RFC 6121 §4.3.2): a resource that it did not bring is gone. */
  #miss(exposure: Exposure): void {
    const { pair, state, suspects = [] } = exposure
    exposure.waiting = undefined
    exposure.suspects = undefined
    // Lost once more: it will be asked again.
    if (this.#isAway(exposure)) return
    const gone = { ...UNAVAILABLE, since: this.#options.clock.wall() }
    // Watchers may still show what an earlier process told them.
    for (const resource of state === undefined ? [''] : suspects)
      this.presence(pair, { resource, state: gone })
  }

  /** `subscribed` (RFC 6121 §3.1.6). */
  granted(pair: PresencePair): void {
    const exposure = this.find(pair)
    if (exposure === undefined || exposure.authorization === 'granted') return
    exposure.authorization = 'granted'
    exposure.since = this.#options.clock.wall()
    exposure.nick = undefined
    exposure.quiet()
    this.#options.keeping.authorization(exposure)
    this.#settle(exposure)
  }

  #settle(exposure: Exposure): void {
    exposure.settling ??= this.#options.timers.set(SETTLE, () => {
      exposure.settling = undefined
      if (!exposure.judged) return
      for (const watcher of exposure.watchers) {
        if (watcher.status === 'pending') watcher.grant()
        else if (exposure.state !== undefined) watcher.changed()
      }
      this.ask(exposure)
    })
  }

  /** `unsubscribed`: a refusal, or a withdrawal later (RFC 8048 §5.3.1). */
  rejected(pair: PresencePair): void {
    const exposure = this.find(pair)
    if (exposure === undefined) return
    const isAsked = exposure.authorization === 'granted' || this.#fetching.find(pair) === undefined
    if (isAsked) this.#end(exposure, 'rejected')
  }

  /** An error has come back. Only one to our `subscribe` tells anything of an authorization. */
  failed(pair: PresencePair, stanza: Element): void {
    const exposure = this.find(pair)
    const failure = failureOf(stanza)
    if (exposure?.authorization !== 'asked' || failure === undefined) return
    if (failure === 'passing') this.#end(exposure, 'probation', this.#options.retryAfter)
    else this.#end(exposure, 'rejected')
  }

  /** Presence of the XMPP user, without type or `unavailable`. */
  presence(pair: PresencePair, change: PresenceChange): void {
    const { resources } = this.#options.documents
    const fetched = this.#fetching.find(pair)
    const exposure = this.find(pair)
    if (fetched !== undefined && fetched !== exposure) {
      // It is addressed to this very user, in answer to its own question.
      fetched.authorization = 'granted'
      fetched.state = withPresence(fetched.state ?? NO_RESOURCES, change, resources)
    }
    this.#fetching.heard(pair)
    if (exposure?.authorization !== 'granted' || exposure.refused || !exposure.judged) return
    const { state } = exposure
    exposure.suspects?.delete(change.resource)
    if (isKnown(state, change) && !exposure.toldClosed) return
    exposure.toldClosed = false
    exposure.state = withPresence(state ?? NO_RESOURCES, change, resources)
    if (state === undefined) this.#settle(exposure)
    else if (exposure.settling === undefined) for (const watcher of exposure.watchers) watcher.changed()
  }

  /** The rules forbid it from now on. @param passing only for a while, so that the authorization stays */
  refuse(exposure: Exposure, passing: boolean): void {
    exposure.refused = true
    exposure.judged = true
    if (!passing) {
      this.#say(exposure, 'unsubscribe')
      this.#end(exposure, 'rejected')
      return
    }
    exposure.state = undefined
    if (exposure.authorization === 'asked') this.#forget(exposure)
    for (const watcher of exposure.watchers) watcher.end('probation', this.#options.retryAfter)
  }

  /** The rules let it pass, as they are now. Whoever was not asked about meanwhile is to be renewed. */
  permit(exposure: Exposure, home: string): void {
    exposure.home = home
    exposure.refused = false
    exposure.judged = true
    // Granted while an earlier process was about to end.
    if (exposure.authorization === 'granted' && exposure.settling === undefined)
      for (const watcher of exposure.watchers) if (watcher.status === 'pending') watcher.grant()
  }

  restore({ direction, xmpp, sip, state, since }: StoredAuthorization): Exposure {
    const exposure = new Exposure({ direction, xmpp, sip }, since, '')
    exposure.authorization = state
    exposure.judged = false
    this.#exposures.set(flat(keyOf(exposure.pair)), exposure)
    if (state === 'asked') this.#expectDecision(exposure)
    return exposure
  }

  resume(exposure: Exposure, { saved, home }: Kept): boolean {
    const resumed = this.#watchers.resume(saved, exposure)
    if (!resumed.ok) return false
    resumed.value.dialog = sharing(resumed.value.dialog, exposure.pair.sip)
    exposure.watchers = exposure.watchers.concat(resumed.value)
    exposure.home = home
    return true
  }

  hops(_request: SipRequest, { data }: Watcher<Exposure>): Hops {
    return this.#options.ways.to(data.home)
  }

  lane({ data }: Watcher<Exposure>): string {
    return data.home
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

  /**
   * Empty where nothing is known (RFC 8048 §5.3.2): the watcher keeps what it had. But not for long: what nobody can know any
   * more is closed.
   */
  content({ data: exposure }: Watcher<Exposure>, what: 'now' | 'last'): Content | undefined {
    const { people, clock, awayFor, stale } = this.#options
    const resolved = people.resolve(exposure.pair)
    if (resolved === undefined) return undefined
    const over = what === 'last' || awayFor(resolved) > stale
    if (over && what === 'now') exposure.toldClosed = true
    return contentOf(exposure, resolved.uri, over, clock.wall())
  }

  ended(end: NotifierEnd, watcher: Watcher<Exposure>): void {
    const exposure = watcher.data
    exposure.watchers = exposure.watchers.filter((other) => other !== watcher)
    if (end.kind === 'fetched' || end.kind === 'by-owner' || exposure.watchers.length > 0) return
    if (this.find(exposure.pair) !== exposure) return
    if (exposure.authorization === 'asked') {
      // The XMPP server knows who has asked, and says so when it is asked again (RFC 6121 §3.1.3).
      this.#forget(exposure)
      if (end.kind === 'gave-up') {
        this.#say(exposure, 'unsubscribe')
        return
      }
    }
    // Gone for the time being, which takes no authorization back (RFC 8048 §5.3.3).
    if (!this.#options.isSeen(exposure.pair)) this.#say(exposure, 'unavailable')
  }

  save(watcher: Watcher<Exposure>, saved: SavedSubscription | undefined): void {
    this.#options.keeping.dialog(watcher.data, watcher.id, saved, [])
  }

  /** However many devices come and go meanwhile, nobody waits for ever (RFC 6121 §8.5.1: no answer may mean no such user). */
  #expectDecision(exposure: Exposure): void {
    const { clock, timers, giveUp } = this.#options
    const left = exposure.since + giveUp * 1000 - clock.wall()
    exposure.waiting = timers.set(Math.max(0, left), () => {
      this.#say(exposure, 'unsubscribe')
      this.#end(exposure, 'giveup', GIVE_UP_RETRY)
    })
  }

  #end(exposure: Exposure, reason: TerminationReason, retryAfter?: number): void {
    this.#forget(exposure)
    for (const watcher of exposure.watchers) watcher.end(reason, retryAfter)
  }

  #forget(exposure: Exposure): void {
    exposure.quiet()
    if (this.#exposures.delete(keyOf(exposure.pair))) this.#options.keeping.drop(exposure)
  }
}
