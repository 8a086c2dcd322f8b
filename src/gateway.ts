import type { Logger } from 'pino'
import type { Config } from './config/config.ts'
import type { Failure } from './edge/arrival.ts'
import { BackPressure } from './edge/back-pressure.ts'
import { Challenges } from './edge/challenges.ts'
import { Conversations } from './edge/conversations.ts'
import { Counters } from './edge/counters.ts'
import { Destinations } from './edge/destinations.ts'
import { DialogPass } from './edge/dialog-pass.ts'
import { Hops } from './edge/hops.ts'
import { Learning } from './edge/learning.ts'
import { PeerCounters } from './edge/limits.ts'
import { Links } from './edge/links.ts'
import { LoopGuard } from './edge/loop-guard.ts'
import { Notices } from './edge/notices.ts'
import { OpenCalls } from './edge/open-calls.ts'
import { Outstanding } from './edge/outstanding.ts'
import { OwnTags } from './edge/own-tags.ts'
import { PeerConnections } from './edge/peer-connections.ts'
import { PeerHealth } from './edge/peer-health.ts'
import { PeerLog } from './edge/peer-log.ts'
import { Pipeline } from './edge/pipeline.ts'
import { Reach } from './edge/reach.ts'
import { SipEvents } from './edge/sip-events.ts'
import { SipLeg } from './edge/sip-leg.ts'
import { SipProxy } from './edge/sip-proxy.ts'
import { SubjectCache } from './edge/subject-cache.ts'
import type { LearnedContacts, SubjectStore } from './edge/subjects.ts'
import { TargetQueues } from './edge/target-queue.ts'
import { XmppLeg } from './edge/xmpp-leg.ts'
import type { SubjectQuestion, UserRecord } from './federation/load-subject.ts'
import type { Home } from './federation/model.ts'
import type { Clock } from './kernel/clock.ts'
import type { Random } from './kernel/random.ts'
import { TimerWheel } from './kernel/timer-wheel.ts'
import type { Lookups } from './net/dns/answer.ts'
import { createEndpoint, type Endpoint, type UasSupport } from './sip/endpoint/endpoint.ts'
import { locate, locateHost } from './sip/locate/locate.ts'
import type { LocateDeps } from './sip/locate/places.ts'
import { LoopDetection } from './sip/proxy/loop.ts'
import { Relays } from './sip/proxy/relay.ts'
import { param } from './sip/scan.ts'
import type { SipUri } from './sip/uri.ts'
import { SipTls } from './sip-tls.ts'

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
}

export interface Stopped {
  /** All that was under way came to its end in time. */
  readonly finished: boolean
  /** As they were after the last request and before the links were closed. */
  readonly stats: object
}

/** Entries of the tables that no setting bounds; each forgets its oldest. */
const TABLE = 50_000
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
  { name: 'xmpp', of: ({ xmpp }) => xmpp },
  { name: 'log.format', of: ({ log }) => log.format },
  { name: 'interworking.loopMemory', of: ({ interworking }) => interworking.loopMemory },
  { name: 'interworking.queue', of: ({ interworking }) => interworking.queue },
]

const SUPPORTED: UasSupport = {
  methods: ['MESSAGE'],
  accept: ['text/plain', 'text/html', 'multipart/alternative', 'multipart/mixed'],
  schemes: ['sip', 'sips', 'im', 'pres'],
  extensions: [],
}

/** The composition root: joins the rooms, and takes them apart in order. */
export class Gateway {
  readonly #log: Logger
  readonly #options: GatewayOptions
  readonly #timers: TimerWheel
  readonly #counters = new Counters()
  readonly #peers: PeerCounters
  readonly #peerLog: PeerLog
  readonly #pipeline: Pipeline
  readonly #sip: SipLeg
  readonly #links: Links
  readonly #calls = new OpenCalls()
  readonly #queues: TargetQueues<Failure>
  readonly #hops: Hops
  readonly #tls: SipTls
  readonly #records: SubjectCache | undefined
  #config: Config
  /** How our Vias and Record-Routes name our listeners, and the name by which others know us. */
  #own: ReadonlySet<string> = new Set()
  #edge = ''
  #endpoint: Endpoint | undefined
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
    this.#tls = new SipTls(config)
    const reach = new Reach(clock)
    const located: LocateDeps = { lookups: options.lookups, random, transports: transportsOf(config) }
    this.#hops = new Hops({ locate: (uri) => locate(uri, located), reach, timers, log })
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
    this.#pipeline = new Pipeline({
      snapshot,
      exits: {
        toHome: (arrival, home, verdict) => this.#sip.toHome(arrival, home, verdict),
        toProvider: (arrival, provider) => this.#sip.toProvider(arrival, provider),
        toDomain: (arrival) => this.#sip.toProvider(arrival, undefined),
        toComponent: (arrival, link) => xmpp.toComponent(arrival, link),
      },
      loops,
      backPressure: new BackPressure({
        pressure: (high) => (high ? this.#links.pause() : this.#links.resume()),
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
    const pass = new DialogPass(random, clock)
    const endpoint = (): Endpoint => this.#requireEndpoint()
    const placesOf = (home: Home) => this.#hops.of(home.name)
    const health = new PeerHealth(log)
    const sip = {
      endpoint,
      snapshot,
      placesOf,
      reach,
      pass,
      isOwn: (uri: SipUri) => this.#own.has(sentByUri(uri)),
      health,
      edge: () => this.#edge,
      counters,
    }
    this.#sip = new SipLeg({
      ...sip,
      pipeline: this.#pipeline,
      proxy: new SipProxy({
        ...sip,
        relays: new Relays({ endpoint, timers }),
        calls: this.#calls,
        loops: new LoopDetection({ random, own: () => this.#own }),
      }),
      destinations: new Destinations({
        // NAPTR is for domains: an access edge is a host, and speaks TLS.
        locate: (host, what) =>
          locateHost(what === 'edge' ? { host, transport: 'tls' } : { host }, {
            ...located,
            transports: ['tls'],
          }),
        reach,
        clock,
      }),
      challenges: new Challenges({
        random,
        passwordOf: (name) => this.#config.homePasswords.get(name),
      }),
      choices: () => ({
        noLiveLink: this.#config.interworking.noLiveLink,
        retryAfter: Math.ceil(this.#config.interworking.retryAfter / 1000),
      }),
      queues: this.#queues,
      tags,
      peers: this.#peerLog,
    })
    const notices = new Notices({ snapshot, sip: this.#sip, loops, random, tags, counters })
    const xmpp = new XmppLeg({
      pipeline: this.#pipeline,
      settings: () => this.#config.interworking,
      confirm: config.xmpp.confirm,
      attached: (name) => this.#links.attached(name),
      notify: (arrival, error) => notices.tell(arrival, error),
      lessons,
      conversations: new Conversations({ limit: TABLE, lifetime: CONVERSATION, clock, random, tags }),
      outstanding: new Outstanding({ limit: TABLE, lifetime: LATE_ERROR, clock }),
      peers: this.#peerLog,
      clock,
      timers,
      random,
      counters,
    })
    this.#links = new Links({
      surroundings: { ...config.xmpp, clock, timers, random },
      software: options.software,
      addresses: TABLE,
      log,
      peers: this.#peerLog,
      onStanza: (via, stanza) => xmpp.onStanza(via, stanza),
    })
  }

  /** The SIP listeners as they are bound. */
  get listeners(): Endpoint['listeners'] {
    return this.#requireEndpoint().listeners
  }

  /** @throws if a listener cannot be bound; nothing is left running then */
  async start(): Promise<void> {
    const { clock, random } = this.#options
    const { sip } = this.#config
    const events = new SipEvents(this.#log, this.#peerLog)
    const connections = new PeerConnections({
      snapshot: () => this.#config.federation,
      counters: this.#peers,
    })
    await this.#hops.locate(this.#config.federation.homes.values())
    this.#endpoint = await createEndpoint({
      listeners: this.#tls.listeners(this.#config),
      limits: {
        message: sip.limits,
        connections: sip.limits.connections,
        connectionsPerAddress: sip.limits.connectionsPerAddress,
        handshakes: sip.limits.handshakes,
        handshakesPerAddress: sip.limits.handshakesPerAddress,
        handshake: sip.limits.handshake,
        idle: sip.limits.idleConnection,
        transactions: sip.limits.transactions,
        retryAfter: Math.ceil(this.#config.interworking.retryAfter / 1000),
      },
      supports: SUPPORTED,
      timerValues: sip.timers,
      clock,
      timers: this.#timers,
      random,
      roleOf: (request) => this.#sip.roleOf(request),
      onRequest: (incoming) => this.#sip.onRequest(incoming),
      onAck: (request, source) => this.#sip.onAck(request, source),
      onConnected: (source) => connections.connected(source),
      onDisconnected: (source) => connections.disconnected(source),
      onEvent: (event) => events.report(event),
    })
    this.#own = new Set(this.#endpoint.listeners.map(({ sentBy }) => sentBy))
    this.#edge = edgeName(this.#endpoint.listeners)
    this.#links.apply(this.#config.federation, this.#config.linkSecrets)
  }

  /** Takes over what can change while running: the federation, the links, the interworking, the log's bodies. */
  async reload(config: Config): Promise<void> {
    if (this.#isStopping()) return
    const reload = ++this.#reloads
    await this.#hops.locate(config.federation.homes.values())
    if (this.#isStopping() || reload !== this.#reloads) return
    for (const part of LASTING) {
      const changed = JSON.stringify(part.of(config)) !== JSON.stringify(part.of(this.#config))
      if (changed) this.#log.warn({ section: part.name }, 'a change in this section acts after a restart')
    }
    this.#tls.reload(config)
    this.#config = { ...config, sip: this.#config.sip, dns: this.#config.dns, xmpp: this.#config.xmpp }
    this.#log.level = config.log.level
    this.#links.apply(config.federation, config.linkSecrets)
  }

  /** What the store knows of people has changed: it is asked anew. */
  forgetPeople(): void {
    this.#records?.clear()
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
    this.#hops.close()
    await this.#endpoint?.close()
    await this.#links.close()
    return { finished, stats }
  }

  /**
   * What XMPP servers have on the way is refused with an answer, for which there is no way once a stream is closed
   * (XEP-0114): until nothing has come for a moment, or for a second at most.
   */
  async #untilQuiet(): Promise<void> {
    const received = (): number => this.#links.all().reduce((sum, link) => sum + link.stats().received, 0)
    for (let looks = 0, last = received(); looks < QUIET_LOOKS; looks++) {
      await new Promise<void>((resolve) => this.#timers.set(QUIET, resolve))
      const now = received()
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

  linkStats(name: string): object | undefined {
    const link = this.#links.all().find((each) => each.name === name)
    return link === undefined ? undefined : { state: link.state, ...link.stats() }
  }

  stats(): object {
    return {
      open: this.#pipeline.open,
      waiting: this.#queues.waiting,
      calls: this.#calls.size,
      counters: this.#counters.snapshot(),
      sip: this.#endpoint?.stats(),
      peers: this.#peers.stats(),
      people: this.#records?.stats(),
      learned: this.#options.people?.learnedStats(),
      links: Object.fromEntries(
        this.#links.all().map((link) => [link.name, { state: link.state, ...link.stats() }]),
      ),
    }
  }

  #isStopping(): boolean {
    return this.#stopped !== undefined
  }

  #requireEndpoint(): Endpoint {
    if (this.#endpoint === undefined) throw new Error('the gateway has not started')
    return this.#endpoint
  }
}

/** Over TLS only where there is a listener whose certificate we can show. */
const transportsOf = ({ sip }: Config): LocateDeps['transports'] =>
  sip.listeners.some(({ transport }) => transport === 'tls') ? ['tls', 'tcp', 'udp'] : ['tcp', 'udp']

const sentByUri = ({ scheme, host, port, params }: SipUri): string => {
  const tls = scheme === 'sips' || param(params, 'transport')?.toLowerCase() === 'tls'
  return `${host}:${port ?? (tls ? 5061 : 5060)}`
}

/** The host of the listener that faces the outside, best the one over TLS. */
function edgeName(listeners: Endpoint['listeners']): string {
  const outside = listeners.filter(({ side }) => side === 'outside')
  const facing = outside.find(({ transport }) => transport === 'tls') ?? outside[0] ?? listeners[0]
  return (facing?.sentBy ?? '').replace(/:\d+$/, '')
}
