import { textOfAddress } from '../../federation/address.ts'
import { peerOf, providerOf } from '../../federation/lookup.ts'
import type { Home, Link as LinkRow } from '../../federation/model.ts'
import type { Snapshot } from '../../federation/snapshot.ts'
import type { Verdict } from '../../federation/verdict.ts'
import type { PresenceLimits } from '../../interworking/presence/limits.ts'
import { readPresence } from '../../interworking/presence/presence-read.ts'
import { stanzaToSubscribe } from '../../interworking/presence/subscribe.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import type { Endpoint, RespondOptions } from '../../sip/endpoint/endpoint.ts'
import type { Sending } from '../../sip/events/carry.ts'
import { stanzaError } from '../../xmpp/stanza-error.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import type { Entry } from '../address-book.ts'
import { type Arrival, DELIVERED, failed } from '../arrival.ts'
import type { Attached, Attachments } from '../attached.ts'
import type { Counters } from '../counters.ts'
import type { Gatekeeper } from '../gatekeeper.ts'
import type { PeerCounters } from '../limits.ts'
import type { Log } from '../log.ts'
import type { OwnTags } from '../own-tags.ts'
import type { PeerLog } from '../peer-log.ts'
import type { Pipeline } from '../pipeline.ts'
import type { Destination } from '../reach.ts'
import { xmppAnswer } from '../xmpp-answers.ts'
import { isThere } from './exposure.ts'
import { Keeping } from './keeping.ts'
import { People } from './people.ts'
import type { PresenceSettings } from './settings.ts'
import type { PresencePair, PresenceStore } from './store.ts'
import { Upkeep } from './upkeep.ts'
import { Watched } from './watched.ts'
import { Watching } from './watching.ts'
import { Ways } from './ways.ts'

export interface PresenceOptions {
  readonly settings: PresenceSettings
  readonly endpoint: () => Endpoint
  readonly pipeline: () => Pipeline
  /** Counts nothing: what runs is judged again, and nobody has sent anything. */
  readonly gatekeeper: Gatekeeper
  /** Where what comes in is counted. */
  readonly limits: Pick<PeerCounters, 'beyond'>
  readonly snapshot: () => Snapshot
  readonly attached: Attachments
  readonly placesOf: (home: Home) => readonly Destination[]
  /** How one request goes to a home server. */
  readonly sendingTo: (home: Home) => Sending
  /** The name by which we are known. */
  readonly edge: () => string
  readonly store: PresenceStore | undefined
  readonly tags: OwnTags
  readonly log: Log
  readonly peers: PeerLog
  readonly counters: Counters
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
}

/** Seconds, with a refusal that is over by and by. */
const RETRY_AFTER = 300

interface Wanted {
  readonly pair: PresencePair
  readonly type: 'subscribe' | 'probe'
  /** Of the stanza. */
  readonly from: string
  readonly id: string | undefined
}

/** Presence between XMPP and SIP users, in both directions. */
export class Presence {
  readonly #options: PresenceOptions
  readonly #people: People
  readonly #limits: PresenceLimits
  readonly #watching: Watching
  readonly #watched: Watched
  /** What a request that we made of a stanza is about. */
  readonly #wanted = new WeakMap<object, Wanted>()
  /** What happens to all pairs at once. */
  readonly upkeep: Upkeep

  constructor(options: PresenceOptions) {
    this.#options = options
    const { settings, endpoint, snapshot, attached, placesOf, sendingTo, edge, store, counters, log } =
      options
    const { clock, timers, random } = options
    const { limits } = settings
    this.#limits = {
      document: { stanzaBytes: limits.document, depth: 16, attributes: 32 },
      resources: limits.resources,
      texts: limits.texts,
      textLength: limits.textLength,
    }
    const fault = (error: unknown): void => log.error({ err: error }, 'fault in presence')
    const people = new People({ snapshot, attached })
    const shared = {
      endpoint,
      people,
      ways: new Ways({ endpoint, snapshot, placesOf, sendingTo, edge }),
      keeping: new Keeping(store),
      documents: this.#limits,
      clock,
      timers,
      random,
      counters,
      fault,
    }
    this.#people = people
    this.#watching = new Watching({
      ...shared,
      expires: Math.floor(settings.expires / 1000),
      giveUp: settings.giveUp,
      retry: settings.retry,
      resume: settings.resume,
      limit: limits.subscriptions,
      pending: limits.pending,
    })
    this.#watched = new Watched({
      ...shared,
      awayFor: (resolved) => this.upkeep.awayFor(resolved),
      stale: settings.stale,
      isSeen: (pair) => isThere(this.#watching.find(pair)?.shown ?? new Map()),
      intake: {
        shortest: Math.floor(settings.shortest / 1000),
        longest: Math.floor(settings.longest / 1000),
      },
      interval: settings.interval,
      giveUp: Math.floor(settings.giveUp / 1000),
      limit: limits.watchers,
      devices: limits.devices,
      notifies: limits.notifies,
      retryAfter: RETRY_AFTER,
    })
    this.upkeep = new Upkeep({
      watching: this.#watching,
      watched: this.#watched,
      people,
      gatekeeper: options.gatekeeper,
      snapshot,
      store,
      resume: settings.resume,
      log,
      counters,
      clock,
      timers,
    })
  }

  stats(): object {
    return {
      watching: this.#watching.stats(),
      watched: this.#watched.stats(),
      renewing: this.upkeep.renewing,
      kept: this.#options.store?.presenceStats(),
    }
  }

  close(): void {
    this.upkeep.close()
    this.#watching.close()
    this.#watched.close()
  }

  /** A presence stanza with both addresses. */
  onStanza(via: Attached, stanza: Element, from: string, to: string): void {
    const { counters, peers } = this.#options
    counters.add('xmpp.presence')
    const sender = via.book.ofJid(from)
    const recipient = via.book.ofJid(to)
    const { type } = stanza.attrs
    if (!sender.ok || !recipient.ok) {
      const problem = sender.ok ? (recipient.ok ? undefined : recipient.error) : sender.error
      counters.add('xmpp.bad-address')
      peers.warn({ link: via.name, from, to, problem }, 'an XMPP address has no SIP form')
      if (isRequest(type)) this.#reply(via, stanza, recipient.ok ? 'jid-malformed' : 'item-not-found')
      return
    }
    // To the gateway itself: it has no presence.
    if (recipient.value.uri.user === undefined) {
      if (isRequest(type)) this.#reply(via, stanza, 'service-unavailable')
      return
    }
    if (isRequest(type)) this.#request(via, stanza, type, sender.value, recipient.value)
    else this.#told(via, stanza, sender.value, recipient.value)
  }

  /** `subscribe` and `probe`, which the rules are asked about first. */
  #request(via: Attached, stanza: Element, type: Wanted['type'], sender: Entry, recipient: Entry): void {
    const { tags, random, settings, pipeline } = this.#options
    const translated = stanzaToSubscribe(stanza, {
      addressing: via.book.addressing,
      callId: random.token(22),
      cseq: 1,
      fromTag: tags.next(),
      gr: random.token(10),
      expires: Math.floor(settings.expires / 1000),
      categories: true,
    })
    if (!translated.ok) {
      if (translated.error.kind === 'refuse') this.#reply(via, stanza, translated.error.condition)
      return
    }
    const request = translated.value
    const { from, id } = stanza.attrs
    this.#wanted.set(request, {
      pair: this.#people.pairOf('out', sender, recipient),
      type,
      from: String(from),
      id: id === undefined ? undefined : String(id),
    })
    pipeline().take({
      kind: 'presence',
      request,
      from: sender.address,
      to: recipient.address,
      evidence: via.evidence,
      end: (ending) => {
        const answer = xmppAnswer(ending, stanza, (uri) => via.book.jidOf(uri, 'sip-user'))
        if (answer !== undefined && !via.link.send(answer)) this.#options.counters.add('xmpp.unsent-answer')
      },
    })
  }

  /** What only somebody may say who is known to us already, over the link that carries it. */
  #told(via: Attached, stanza: Element, sender: Entry, recipient: Entry): void {
    const { counters, clock, limits, snapshot } = this.#options
    const out = this.#people.pairOf('out', sender, recipient)
    const into: PresencePair = { ...out, direction: 'in' }
    if (this.#people.resolve(out)?.via.link !== via.link) {
      counters.add('presence.wrong-link')
      return
    }
    // What nobody here has asked for counts like a request: so nobody tries all our users, or is answered without end.
    const known = this.#watching.find(out) !== undefined || this.#watched.wants(into)
    const peer = peerOf(snapshot(), sender.address.domain)
    if (!known && limits.beyond(peer, textOfAddress(recipient.address)) !== undefined) {
      counters.add('presence.beyond-limits')
      return
    }
    switch (stanza.attrs.type) {
      case 'unsubscribe':
        this.#watching.unsubscribe(out)
        return
      case 'subscribed':
        this.#watched.granted(into)
        return
      case 'unsubscribed':
        this.#watched.rejected(into)
        return
      case 'error':
        this.#watched.failed(into, stanza)
        return
      default:
        this.#announced(stanza, out, into, clock.wall())
    }
  }

  #announced(stanza: Element, out: PresencePair, into: PresencePair, now: number): void {
    if (this.#watching.find(out) === undefined && !this.#watched.wants(into)) return
    const change = readPresence(stanza, now, this.#limits)
    if (change === undefined) return
    this.#watched.presence(into, change)
    if (change.state.available) this.#watching.presence(out, true)
    else {
      // Only where it tells us of every device do we know that none is left.
      const state = this.#watched.find(into)?.state
      if (state !== undefined && !isThere(state)) this.#watching.presence(out, false)
    }
  }

  #reply(via: Attached, stanza: Element, condition: Parameters<typeof stanzaError>[1]): void {
    const answer = stanzaError(stanza, condition, { legacyCode: true })
    if (answer !== undefined && !via.link.send(answer)) this.#options.counters.add('xmpp.unsent-answer')
  }

  /** A `subscribe` or `probe` that the rules have let through. */
  toHome(arrival: Arrival, home: Home, verdict: Verdict): void {
    const wanted = this.#wanted.get(arrival.request)
    if (wanted === undefined) {
      arrival.end(failed('no-route'))
      return
    }
    const judged = { home: home.name, verdict }
    const done =
      wanted.type === 'subscribe'
        ? this.#watching.subscribe(wanted.pair, judged, wanted.id)
        : this.#watching.probe(wanted.pair, judged, wanted.from)
    arrival.end(done.ok ? DELIVERED : failed('busy'))
  }

  /** A SUBSCRIBE or NOTIFY from a home server that the rules have let through. */
  toXmpp(arrival: Arrival, row: LinkRow): void {
    const { passing, request, evidence } = arrival
    if (passing === undefined) {
      arrival.end(failed('no-link'))
      return
    }
    const incoming = {
      ...passing.incoming,
      respond: (status: number, options?: RespondOptions) => {
        passing.incoming.respond(status, options)
        arrival.end({ kind: 'relayed', status })
      },
    }
    if (request.method === 'NOTIFY') {
      // Also without a link: the subscription is being left then, and this may be its last word.
      this.#watching.receive(incoming, arrival)
      return
    }
    const via = this.#options.attached(row, arrival.from.domain, arrival.to.domain)
    if (via === undefined) {
      arrival.end(failed('no-link'))
      return
    }
    const sender = request.headers.from()
    const pair =
      sender === undefined ? undefined : this.#people.pairBetween('in', via, passing.routed.uri, sender.uri)
    if (pair === undefined) {
      arrival.end({ kind: 'untranslatable', status: 404, reason: 'No such user', headers: [] })
      return
    }
    const named = providerOf(this.#options.snapshot(), arrival.to.domain)?.type !== 'public'
    this.#watched.receive(incoming, { pair, home: evidence.kind === 'home' ? evidence.home : '', named })
  }
}

const isRequest = (type: unknown): type is Wanted['type'] => type === 'subscribe' || type === 'probe'
