import type { Logger } from 'pino'
import type { Config } from './config/config.ts'
import type { Arrival, Failure } from './edge/arrival.ts'
import type { Attachments } from './edge/attached.ts'
import { BackPressure } from './edge/back-pressure.ts'
import { Conversations } from './edge/conversations.ts'
import { Counters } from './edge/counters.ts'
import { Gatekeeper } from './edge/gatekeeper.ts'
import { Learning } from './edge/learning.ts'
import { PeerCounters } from './edge/limits.ts'
import { LoopGuard } from './edge/loop-guard.ts'
import { Notices } from './edge/notices.ts'
import { Outstanding } from './edge/outstanding.ts'
import { OwnTags } from './edge/own-tags.ts'
import { PeerLog } from './edge/peer-log.ts'
import { Pipeline } from './edge/pipeline.ts'
import { Presence } from './edge/presence/presence.ts'
import type { PresenceStore } from './edge/presence/store.ts'
import { SubjectCache } from './edge/subject-cache.ts'
import type { LearnedContacts, SubjectStore } from './edge/subjects.ts'
import { TargetQueues } from './edge/target-queue.ts'
import { XmppLeg } from './edge/xmpp-leg.ts'
import type { SubjectQuestion, UserRecord } from './federation/load-subject.ts'
import type { Link } from './federation/model.ts'
import type { Clock } from './kernel/clock.ts'
import type { Domain } from './kernel/domain.ts'
import type { Random } from './kernel/random.ts'
import { TimerWheel } from './kernel/timer-wheel.ts'
import type { Lookups } from './net/dns/answer.ts'
import { SipSide } from './sip-side.ts'
import { XmppSide } from './xmpp-side.ts'

export interface GatewayOptions {
  readonly config: Config
  readonly log: Logger
  readonly clock: Clock
  readonly random: Random
  /** DNS. */
  readonly lookups: Lookups
  readonly software: { readonly name: string; readonly version: string }
  /** Users and contact entries that the configuration does not hold; absent: there are none. */
  readonly people?: (SubjectStore & LearnedContacts) | undefined
  /** Where presence outlives the process; absent: it does not. */
  readonly presence?: PresenceStore | undefined
}

export interface Stopped {
  /** All that was under way came to its end in time. */
  readonly finished: boolean
  /** As they were after the last request and before the links were closed. */
  readonly stats: object
}

/** Entries of the tables that no setting bounds; each forgets its oldest. */
const TABLE = 50_000
/** Addresses of one link that are remembered: to work one out again takes a microsecond, or 50 where it is not in ASCII. */
const ADDRESSES = 10_000
/** Users of the store that are remembered. */
const PEOPLE = 20_000
/** Fingerprints of messages, some 50 octets each. */
const LOOPS = 400_000
/** Milliseconds: a conversation after its last message; a stanza whose error may still come. */
const CONVERSATION = 3_600_000
const LATE_ERROR = 60_000

/** Milliseconds without a stanza that count as quiet at the end, and how often that is looked at. */
const QUIET = 100
const QUIET_LOOKS = 10

/** What is read once, when the process starts. */
const LASTING: readonly { readonly name: string; of(config: Config): unknown }[] = [
  // Certificates act at once.
  { name: 'sip', of: ({ sip }) => ({ ...sip, tls: sip.tls?.sipPurposeOnly }) },
  { name: 'dns', of: ({ dns }) => dns },
  { name: 'xmpp', of: ({ xmpp }) => ({ ...xmpp, tls: undefined }) },
  { name: 'presence', of: ({ presence }) => presence },
  { name: 'log.format', of: ({ log }) => log.format },
  { name: 'interworking.loopMemory', of: ({ interworking }) => interworking.loopMemory },
  { name: 'interworking.queue', of: ({ interworking }) => interworking.queue },
]

/** The composition root: joins the rooms, and takes them apart in order. */
export class Gateway {
  readonly #log: Logger
  readonly #options: GatewayOptions
  readonly #timers: TimerWheel
  readonly #counters = new Counters()
  readonly #peers: PeerCounters
  readonly #peerLog: PeerLog
  readonly #pipeline: Pipeline
  readonly #sip: SipSide
  readonly #presence: Presence
  readonly #xmpp: XmppSide
  readonly #queues: TargetQueues<Failure>
  readonly #records: SubjectCache | undefined
  #config: Config
  /** Counts them: while names are looked up a newer one may overtake. */
  #reloads = 0
  #stopped: Promise<Stopped> | undefined

  constructor(options: GatewayOptions) {
    const { config, log, clock, random } = options
    this.#options = options
    this.#log = log
    this.#config = config
    const timers = new TimerWheel({
      clock,
      onError: (error) => log.error({ err: error }, 'fault in a timer'),
    })
    this.#timers = timers
    const counters = this.#counters
    this.#peerLog = new PeerLog({ log, clock })
    this.#peers = new PeerCounters({ clock })
    const { loopMemory, queue } = config.interworking
    const snapshot = () => this.#config.federation
    const { people } = options
    const records = people === undefined ? undefined : new SubjectCache(people, PEOPLE)
    this.#records = records
    const lessons = people === undefined ? undefined : new Learning({ contacts: people, snapshot })
    people?.onLearned((own) => (own === undefined ? records?.clear() : records?.forget(own)))
    const tags = new OwnTags(random)
    const loops = new LoopGuard({ memory: loopMemory, limit: LOOPS, timers })
    this.#queues = new TargetQueues({ perTarget: queue, total: TABLE })
    this.#sip = new SipSide({
      config: () => this.#config,
      snapshot,
      pipeline: () => this.#pipeline,
      queues: this.#queues,
      tags,
      lookups: options.lookups,
      counters,
      peers: this.#peers,
      peerLog: this.#peerLog,
      log,
      clock,
      timers,
      random,
    })
    const { leg } = this.#sip
    const toXmpp = (arrival: Arrival, link: Link): void =>
      (arrival.kind === 'presence' ? presence : xmpp).toXmpp(arrival, link)
    this.#pipeline = new Pipeline({
      snapshot,
      exits: {
        toHome: (arrival, home, verdict) => {
          if (arrival.kind === 'presence' && arrival.passing === undefined)
            presence.toHome(arrival, home, verdict)
          else leg.toHome(arrival, home, verdict)
        },
        toProvider: (arrival, provider) => leg.toProvider(arrival, provider),
        toDomain: (arrival, domain) => this.#toDomain(arrival, domain, toXmpp),
        toXmpp,
      },
      loops,
      backPressure: new BackPressure({
        pressure: (high) => (high ? this.#xmpp.pause() : this.#xmpp.resume()),
        timers,
      }),
      bodies: () => this.#config.log.bodies,
      log,
      counters,
      peers: this.#peers,
      records,
      delivered: lessons?.delivered,
      clock,
      random,
      timers,
    })
    const attached: Attachments = (row, own, other) => this.#xmpp.attached(row, own, other)
    const presence = new Presence({
      settings: config.presence,
      endpoint: () => this.#sip.endpoint,
      pipeline: () => this.#pipeline,
      gatekeeper: new Gatekeeper({ snapshot, clock, records }),
      limits: this.#peers,
      snapshot,
      attached,
      placesOf: (home) => this.#sip.placesOf(home),
      sendingTo: (home) => this.#sip.sendingTo(home),
      edge: () => this.#sip.edge,
      store: options.presence,
      tags,
      log,
      peers: this.#peerLog,
      counters,
      clock,
      timers,
      random,
    })
    this.#presence = presence
    const notices = new Notices({ snapshot, sip: leg, loops, random, tags, counters })
    const xmpp = new XmppLeg({
      pipeline: this.#pipeline,
      settings: () => this.#config.interworking,
      confirm: config.xmpp.confirm,
      attached,
      notify: (arrival, error) => notices.tell(arrival, error),
      lessons,
      presence,
      conversations: new Conversations({ limit: TABLE, lifetime: CONVERSATION, clock, random, tags }),
      outstanding: new Outstanding({ limit: TABLE, lifetime: LATE_ERROR, clock }),
      peers: this.#peerLog,
      clock,
      timers,
      random,
      counters,
    })
    this.#xmpp = new XmppSide({
      config,
      snapshot,
      software: options.software,
      lookups: options.lookups,
      addresses: ADDRESSES,
      log,
      peerLog: this.#peerLog,
      counters,
      clock,
      timers,
      random,
      onStanza: (via, stanza) => xmpp.onStanza(via, stanza),
      onChange: (link, live) => (live ? presence.upkeep.linkIsLive(link) : presence.upkeep.linkIsLost(link)),
      onReach: (domain, retryIn) => {
        const { absence } = presence.upkeep
        if (retryIn === 'there') absence.back(domain)
        else if (retryIn === 'cut') absence.cut(domain)
        else if (retryIn === 'heard') absence.heard(domain)
        else absence.lost(domain, retryIn)
      },
    })
  }

  /** The SIP listeners as they are bound. */
  get listeners(): SipSide['listeners'] {
    return this.#sip.listeners
  }

  /** @throws if the store fails, or a listener cannot be bound; nothing is left running then */
  async start(): Promise<void> {
    const goOn = await this.#presence.upkeep.load()
    await this.#sip.start()
    try {
      await this.#xmpp.start()
    } catch (error) {
      await this.#sip.close()
      throw error
    }
    goOn()
    this.#xmpp.apply(this.#config)
  }

  /** Takes over what can change while running: the federation, the links, the interworking, the log's bodies. */
  async reload(config: Config): Promise<void> {
    if (this.#isStopping()) return
    const reload = ++this.#reloads
    await this.#sip.locate(config)
    if (this.#isStopping() || reload !== this.#reloads) return
    for (const part of LASTING) {
      const changed = JSON.stringify(part.of(config)) !== JSON.stringify(part.of(this.#config))
      if (changed) this.#log.warn({ section: part.name }, 'a change in this section acts after a restart')
    }
    this.#sip.reload(config)
    const { sip, dns, xmpp, presence } = this.#config
    this.#config = { ...config, sip, dns, xmpp, presence }
    this.#log.level = config.log.level
    this.#xmpp.reload(config)
    this.#presence.upkeep.revise()
  }

  /** What the store knows of people has changed: it is asked anew. */
  forgetPeople(): void {
    this.#records?.clear()
    this.#presence.upkeep.revise()
  }

  /**
   * No new work; what is under way is finished or, when the limit is over, bounced; streams are closed properly. Once: a
   * second call waits for the same end.
   */
  stop(): Promise<Stopped> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<Stopped> {
    const finished = await this.#pipeline.drain(this.#config.shutdown.within)
    await this.#untilQuiet()
    const stats = this.stats()
    this.#presence.close()
    await this.#sip.close()
    await this.#xmpp.close()
    return { finished, stats }
  }

  /**
   * What XMPP servers have on the way is refused with an answer, for which there is no way once a stream is closed
   * (XEP-0114): until nothing has come for a moment, or for a second at most.
   */
  async #untilQuiet(): Promise<void> {
    for (let looks = 0, last = this.#xmpp.received; looks < QUIET_LOOKS; looks++) {
      await new Promise<void>((resolve) => this.#timers.set(QUIET, resolve))
      const now = this.#xmpp.received
      if (now === last) return
      last = now
    }
  }

  /** What each peer has sent, and how much of it was beyond its limits. */
  get peers(): Pick<PeerCounters, 'countsOf' | 'wouldBeBeyond'> {
    return this.#peers
  }

  /** What the store knows of a served user, by the way that requests go; without a store nothing. */
  recordOf(question: SubjectQuestion): UserRecord | Promise<UserRecord> {
    return this.#records?.record(question) ?? { user: undefined, contacts: undefined }
  }

  /**
   * What there is of a link: of a component its counters, from server to server an `S2sLinkView`.
   * @param peer of an s2s link, only streams with this domain or address
   */
  linkStats(name: string, peer?: string): object | undefined {
    return this.#xmpp.statsOf(name, peer)
  }

  /** How a link stands, in short. */
  linkStanding(name: string): { state: string; in?: number; out?: number } | undefined {
    return this.#xmpp.standingOf(name)
  }

  stats(): object {
    return {
      open: this.#pipeline.open,
      waiting: this.#queues.waiting,
      counters: this.#counters.snapshot(),
      ...this.#sip.stats(),
      presence: this.#presence.stats(),
      peers: this.#peers.stats(),
      people: this.#records?.stats(),
      learned: this.#options.people?.learnedStats(),
      ...this.#xmpp.stats(),
    }
  }

  /** To a domain that no row knows: over S2S where DNS has that, else over SIP. */
  #toDomain(arrival: Arrival, domain: Domain, toXmpp: (arrival: Arrival, link: Link) => void): void {
    const go = (link: Link | undefined): void => {
      if (link === undefined) this.#sip.leg.toProvider(arrival, undefined)
      else toXmpp(arrival, link)
    }
    const found = this.#xmpp.discover(arrival.from.domain, domain)
    if (found instanceof Promise)
      found.then(go).catch((error: unknown) => this.#pipeline.failed(arrival, error))
    else go(found)
  }

  #isStopping(): boolean {
    return this.#stopped !== undefined
  }
}
