import type { Config } from './config/config.ts'
import type { Failure } from './edge/arrival.ts'
import { Challenges } from './edge/challenges.ts'
import type { Counters } from './edge/counters.ts'
import { Destinations } from './edge/destinations.ts'
import { DialogPass } from './edge/dialog-pass.ts'
import { Hops } from './edge/hops.ts'
import type { PeerCounters } from './edge/limits.ts'
import type { Log } from './edge/log.ts'
import { OpenCalls } from './edge/open-calls.ts'
import type { OwnTags } from './edge/own-tags.ts'
import { PeerConnections } from './edge/peer-connections.ts'
import { PeerHealth } from './edge/peer-health.ts'
import type { PeerLog } from './edge/peer-log.ts'
import type { Pipeline } from './edge/pipeline.ts'
import { type Destination, Reach } from './edge/reach.ts'
import { sendingTo } from './edge/sending.ts'
import { SipEvents } from './edge/sip-events.ts'
import { SipLeg } from './edge/sip-leg.ts'
import { SipProxy } from './edge/sip-proxy.ts'
import type { TargetQueues } from './edge/target-queue.ts'
import { Unanswered } from './edge/unanswered.ts'
import type { Home } from './federation/model.ts'
import type { Snapshot } from './federation/snapshot.ts'
import { CATEGORIES_TYPE } from './interworking/presence/categories.ts'
import { PIDF_TYPE } from './interworking/presence/pidf.ts'
import type { Clock } from './kernel/clock.ts'
import type { Random } from './kernel/random.ts'
import type { Timers } from './kernel/timer-wheel.ts'
import type { Lookups } from './net/dns/answer.ts'
import { createEndpoint, type Endpoint, type UasSupport } from './sip/endpoint/endpoint.ts'
import type { Sending } from './sip/events/carry.ts'
import { locate, locateHost } from './sip/locate/locate.ts'
import type { LocateDeps } from './sip/locate/places.ts'
import { LoopDetection } from './sip/proxy/loop.ts'
import { Relays } from './sip/proxy/relay.ts'
import { param } from './sip/scan.ts'
import type { SipUri } from './sip/uri.ts'
import { SipTls } from './sip-tls.ts'

export interface SipSideOptions {
  readonly config: () => Config
  readonly snapshot: () => Snapshot
  readonly pipeline: () => Pipeline
  readonly queues: TargetQueues<Failure>
  readonly tags: OwnTags
  /** DNS. */
  readonly lookups: Lookups
  readonly counters: Counters
  /** Against their limits. */
  readonly peers: PeerCounters
  readonly peerLog: PeerLog
  readonly log: Log
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
}

const SUPPORTED: UasSupport = {
  methods: ['MESSAGE', 'SUBSCRIBE', 'NOTIFY'],
  accept: ['text/plain', 'text/html', 'multipart/alternative', 'multipart/mixed', PIDF_TYPE, CATEGORIES_TYPE],
  schemes: ['sip', 'sips', 'im', 'pres'],
  extensions: [],
}

/** Everything of SIP, joined: the endpoint, the leg, the proxy, and how others are found. */
export class SipSide {
  readonly #options: SipSideOptions
  readonly #tls: SipTls
  readonly #hops: Hops
  readonly #calls: OpenCalls
  readonly leg: SipLeg
  /** How one request of a dialog goes to a home server. */
  readonly sendingTo: (home: Home) => Sending
  /** How our Vias and Record-Routes name our listeners, and the name by which others know us. */
  #own: ReadonlySet<string> = new Set()
  #edge = ''
  #endpoint: Endpoint | undefined

  constructor(options: SipSideOptions) {
    const { config, snapshot, lookups, clock, timers, random, log, counters } = options
    this.#options = options
    this.#tls = new SipTls(config())
    const { limits } = config().sip
    this.#calls = new OpenCalls(limits)
    const reach = new Reach(clock)
    const located: LocateDeps = { lookups, random, transports: transportsOf(config()) }
    this.#hops = new Hops({ locate: (uri) => locate(uri, located), reach, timers, log })
    const endpoint = (): Endpoint => this.#required()
    const shared = {
      endpoint,
      snapshot,
      placesOf: ({ name }: { readonly name: string }) => this.#hops.of(name),
      reach,
      pass: new DialogPass(random, clock, limits.dialogPass),
      isOwn: (uri: SipUri) => this.#own.has(sentByUri(uri)),
      health: new PeerHealth(log),
      edge: () => this.#edge,
      counters,
    }
    const challenges = new Challenges({
      random,
      passwordOf: (name) => config().homePasswords.get(name),
      log,
      clock,
    })
    this.sendingTo = sendingTo({ ...shared, challenges })
    this.leg = new SipLeg({
      ...shared,
      pipeline: options.pipeline,
      proxy: new SipProxy({
        ...shared,
        relays: new Relays({ endpoint, timers }),
        calls: this.#calls,
        unanswered: new Unanswered(limits.unansweredPerPeer),
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
      challenges,
      choices: () => ({
        noLiveLink: config().interworking.noLiveLink,
        retryAfter: Math.ceil(config().interworking.retryAfter / 1000),
      }),
      queues: options.queues,
      tags: options.tags,
      peers: options.peerLog,
    })
  }

  /** As they are bound. */
  get listeners(): Endpoint['listeners'] {
    return this.#required().listeners
  }

  /** The name by which others know us. */
  get edge(): string {
    return this.#edge
  }

  get endpoint(): Endpoint {
    return this.#required()
  }

  /** Where a home server is now, in the order in which to try; empty: it was not found. */
  placesOf({ name }: Home): readonly Destination[] {
    return this.#hops.of(name)
  }

  /** @throws if a listener cannot be bound; nothing is left running then */
  async start(): Promise<void> {
    const { config, snapshot, peers, peerLog, log, clock, timers, random } = this.#options
    const { sip, interworking } = config()
    const events = new SipEvents(log, peerLog)
    const connections = new PeerConnections({ snapshot, counters: peers })
    await this.locate(config())
    this.#endpoint = await createEndpoint({
      listeners: this.#tls.listeners(config()),
      limits: {
        message: sip.limits,
        connections: sip.limits.connections,
        connectionsPerAddress: sip.limits.connectionsPerAddress,
        handshakes: sip.limits.handshakes,
        handshakesPerAddress: sip.limits.handshakesPerAddress,
        handshake: sip.limits.handshake,
        idle: sip.limits.idleConnection,
        transactions: sip.limits.transactions,
        retryAfter: Math.ceil(interworking.retryAfter / 1000),
      },
      supports: SUPPORTED,
      timerValues: sip.timers,
      clock,
      timers,
      random,
      roleOf: (request) => this.leg.roleOf(request),
      onRequest: (incoming) => this.leg.onRequest(incoming),
      onAck: (request, source) => this.leg.onAck(request, source),
      onConnected: (source) => connections.connected(source),
      onDisconnected: (source) => connections.disconnected(source),
      onEvent: (event) => events.report(event),
    })
    this.#own = new Set(this.#endpoint.listeners.map(({ sentBy }) => sentBy))
    this.#edge = edgeName(this.#endpoint.listeners)
  }

  /** Finds the home servers of a configuration; none is missing meanwhile. */
  locate(config: Config): Promise<void> {
    return this.#hops.locate(config.federation.homes.values())
  }

  /** Certificates act at once, unless a listener would have none. */
  reload(config: Config): void {
    const { log } = this.#options
    const listener = this.#tls.reload(config)
    if (listener !== undefined) log.warn({ listener }, 'certificates stay as they were until a restart')
  }

  async close(): Promise<void> {
    this.#hops.close()
    await this.#endpoint?.close()
  }

  /** INVITEs without an answer; what the endpoint has counted. */
  stats(): { readonly calls: number; readonly sip: object | undefined } {
    return { calls: this.#calls.size, sip: this.#endpoint?.stats() }
  }

  #required(): Endpoint {
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
