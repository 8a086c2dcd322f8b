import type { Config } from './config/config.ts'
import type { Attached, Attachments } from './edge/attached.ts'
import type { Counters } from './edge/counters.ts'
import { Links } from './edge/links.ts'
import type { Log } from './edge/log.ts'
import type { PeerLog } from './edge/peer-log.ts'
import { Discovery } from './edge/s2s/discovery.ts'
import { S2sLinks } from './edge/s2s/s2s-links.ts'
import { countStreams, s2sLinkView } from './edge/s2s/view.ts'
import type { S2sLink } from './federation/model.ts'
import type { Snapshot } from './federation/snapshot.ts'
import type { Clock } from './kernel/clock.ts'
import type { Domain } from './kernel/domain.ts'
import type { Random } from './kernel/random.ts'
import type { Timers } from './kernel/timer-wheel.ts'
import type { Lookups } from './net/dns/answer.ts'
import { S2sSide } from './s2s-side.ts'
import type { Gateway as Services } from './xmpp/services/queries.ts'
import type { Element } from './xmpp/xml/element.ts'

export interface XmppSideOptions {
  readonly config: Config
  readonly snapshot: () => Snapshot
  readonly software: Services['software']
  /** DNS. */
  readonly lookups: Lookups
  /** Addresses remembered per link. */
  readonly addresses: number
  readonly log: Log
  readonly peerLog: PeerLog
  readonly counters: Counters
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  onStanza(via: Attached, stanza: Element): void
  /** A link can be used, or no more. */
  onChange(link: string, live: boolean): void
  /** Over S2S: no stream to that domain, and none is tried for so many milliseconds; or one stands, or broke; or the domain has spoken. */
  onReach(domain: Domain, retryIn: number | 'there' | 'cut' | 'heard'): void
}

/** Everything of XMPP, joined: component links, streams from server to server, and how unknown domains are found. */
export class XmppSide {
  readonly #options: XmppSideOptions
  readonly #components: Links
  readonly #s2s: S2sSide
  readonly #s2sLinks: S2sLinks
  readonly #discovery: Discovery

  constructor(options: XmppSideOptions) {
    const { config, snapshot, software, addresses, log, peerLog, counters, clock, timers, random } = options
    const { limits, reconnect, keepAlive } = config.xmpp
    const { onStanza, onChange } = options
    this.#options = options
    this.#components = new Links({
      surroundings: { limits, reconnect, keepAlive, clock, timers, random },
      software,
      addresses,
      log,
      peers: peerLog,
      onStanza,
      onChange,
    })
    this.#s2s = new S2sSide({
      ...options,
      peers: peerLog,
      onStanza: (stanza, pair, proof) => {
        this.#discovery.spoke(pair.sender)
        options.onReach(pair.sender, 'heard')
        this.#s2sLinks.arrived(stanza, pair, proof)
      },
      onBounce: (stanza, bounce) => this.#s2sLinks.bounced(stanza, bounce),
      onEvent: (event) => {
        if (event.kind === 'unreachable') options.onReach(event.domain, event.retryIn)
        else if (event.kind === 'reachable') options.onReach(event.domain, 'there')
        else if (event.kind === 'cut') options.onReach(event.domain, 'cut')
      },
    })
    this.#s2sLinks = new S2sLinks({
      snapshot,
      send: (stanza, pair, taken) => this.#s2s.send(stanza, pair, taken),
      software,
      addresses,
      counters,
      onStanza,
      onChange,
    })
    this.#discovery = new Discovery({
      snapshot,
      offersXmpp: (domain) => this.#s2s.offersXmpp(domain),
      clock,
    })
  }

  readonly attached: Attachments = (row, own, other) => {
    if (row?.kind === 'component') return this.#components.attached(row.name)
    const link = row ?? this.#discovery.known(own, other)
    return link === undefined ? undefined : this.#s2sLinks.attached(link, own, other)
  }

  /** The link for a domain that no row knows: S2S goes before SIP, which is undefined. */
  discover(own: Domain, other: Domain): S2sLink | undefined | Promise<S2sLink | undefined> {
    return this.#discovery.find(own, other)
  }

  /** @throws if a listener cannot be bound; nothing is left running then */
  start(): Promise<void> {
    return this.#s2s.start()
  }

  /** The links of these rules, from now on. */
  apply(config: Config): void {
    this.#components.apply(config.federation, config.linkSecrets)
    this.#s2sLinks.apply(config.federation)
  }

  /** Like `apply`; certificates act at once too. */
  reload(config: Config): void {
    this.apply(config)
    this.#s2s.reload(config)
  }

  async close(): Promise<void> {
    await Promise.all([this.#components.close(), this.#s2s.close()])
  }

  /** Nothing is read until `resume`: backpressure. */
  pause(): void {
    this.#components.pause()
    this.#s2s.pause()
  }

  resume(): void {
    this.#components.resume()
    this.#s2s.resume()
  }

  /** Stanzas that have come over what is open: whether it has become quiet. */
  get received(): number {
    return this.#components.all().reduce((sum, link) => sum + link.stats().received, this.#s2s.received)
  }

  /**
   * What there is of a link: of a component its counters, from server to server an `S2sLinkView`.
   * @param peer of an s2s link, only streams with this domain or address
   */
  statsOf(name: string, peer?: string): object | undefined {
    const component = this.#components.all().find((each) => each.name === name)
    if (component !== undefined) return { state: component.state, ...component.stats() }
    return this.#isS2s(name) ? s2sLinkView(this.#s2s.view(), this.#stateOf(name), peer) : undefined
  }

  /** How a link stands, in short. */
  standingOf(name: string): { state: string; in?: number; out?: number } | undefined {
    const component = this.#components.all().find((each) => each.name === name)
    if (component !== undefined) return { state: component.state }
    return this.#isS2s(name)
      ? { state: this.#stateOf(name), ...countStreams(this.#s2s.view().streams) }
      : undefined
  }

  stats(): object {
    return {
      links: Object.fromEntries(
        this.#components.all().map((link) => [link.name, { state: link.state, ...link.stats() }]),
      ),
      s2s: this.#s2s.stats(),
    }
  }

  #isS2s(name: string): boolean {
    return this.#options.snapshot().links.get(name)?.kind === 's2s'
  }

  #stateOf(name: string): 'live' | 'closed' {
    return this.#options.snapshot().links.get(name)?.suspended === false ? 'live' : 'closed'
  }
}
