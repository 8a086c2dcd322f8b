import type { Config } from './config/config.ts'
import type { Counters } from './edge/counters.ts'
import type { Log } from './edge/log.ts'
import type { PeerLog } from './edge/peer-log.ts'
import { s2sRules, servesOverS2s } from './edge/s2s/rules.ts'
import { S2sEvents } from './edge/s2s/s2s-events.ts'
import type { S2sView } from './edge/s2s/view.ts'
import type { Snapshot } from './federation/snapshot.ts'
import type { Clock } from './kernel/clock.ts'
import type { Domain } from './kernel/domain.ts'
import type { Random } from './kernel/random.ts'
import type { Timers } from './kernel/timer-wheel.ts'
import type { Lookups } from './net/dns/answer.ts'
import { Credentials, type Material } from './net/tls/credentials.ts'
import { webTrust } from './net/tls/own-certificate.ts'
import { provesXmpp } from './net/tls/xmpp-identity.ts'
import { DialbackKeys } from './xmpp/s2s/dialback-key.ts'
import type { DomainPair } from './xmpp/s2s/domain-pair.ts'
import { namesServers } from './xmpp/s2s/locate.ts'
import type { StreamProof } from './xmpp/s2s/negotiation.ts'
import type { Bounce, Confirmation, S2sEvent } from './xmpp/s2s/options.ts'
import { S2sServer } from './xmpp/s2s/server.ts'
import type { Element } from './xmpp/xml/element.ts'

export interface S2sSideOptions {
  readonly config: Config
  readonly snapshot: () => Snapshot
  /** DNS. */
  readonly lookups: Lookups
  readonly log: Log
  readonly peers: PeerLog
  readonly counters: Counters
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  onStanza(stanza: Element, pair: DomainPair, proof: StreamProof): void
  onBounce(stanza: Element, bounce: Bounce): void
  /** What happens, besides the log and the counters. */
  onEvent(event: S2sEvent): void
}

/** Characters of a secret that is made up: it lasts as long as the process. */
const SECRET = 43
/** Milliseconds for which streams that the rules forbid stay, so that whoever is seen over them is gone there too. */
const LAST_WORDS = 1000

/** Everything between XMPP servers, joined: certificates, rules, streams, and what is told of them. */
export class S2sSide {
  readonly #options: S2sSideOptions
  readonly #credentials: Credentials
  readonly #server: S2sServer
  readonly #events: S2sEvents
  /** They are about to be looked through. */
  #rechecks = false

  constructor(options: S2sSideOptions) {
    const { config, snapshot, lookups, log, peers, counters, clock, timers, random } = options
    const { s2s, limits: xml } = config.xmpp
    this.#options = options
    this.#credentials = new Credentials(config.xmppTlsMaterial ?? bare(), provesXmpp)
    this.#events = new S2sEvents({ log, peers, counters })
    this.#server = new S2sServer(
      {
        credentials: this.#credentials,
        keys: new DialbackKeys([config.dialbackSecret ?? random.token(SECRET)]),
        serves: (own) => servesOverS2s(snapshot(), own),
        rulesFor(own, other) {
          const rules = s2sRules(snapshot(), own, other)
          return rules?.publicOnly && s2s.privateAddresses ? { ...rules, publicOnly: false } : rules
        },
        lookups,
        families: s2s.families,
        xml,
        limits: s2s.limits,
        retry: s2s.retry,
        clock,
        timers,
        random,
        onStanza: (stanza, pair, proof) => options.onStanza(stanza, pair, proof),
        onBounce: (stanza, bounce) => options.onBounce(stanza, bounce),
        onEvent: (event) => {
          this.#events.report(event)
          options.onEvent(event)
        },
        onFault: (error) => log.error({ err: error }, 'fault between XMPP servers'),
      },
      s2s.listeners,
    )
  }

  /** @throws if a listener cannot be bound; nothing is left running then */
  start(): Promise<void> {
    return this.#server.start()
  }

  /** Certificates act at once on new streams; streams that the rules do not allow any more end, after some last words. */
  reload({ xmppTlsMaterial }: Config): void {
    this.#credentials.replace(xmppTlsMaterial ?? bare())
    if (this.#rechecks) return
    this.#rechecks = true
    this.#options.timers.set(LAST_WORDS, () => {
      this.#rechecks = false
      this.#server.recheck()
    })
  }

  close(): Promise<void> {
    return this.#server.close()
  }

  send(stanza: Element, pair: DomainPair, taken?: Confirmation): boolean {
    return this.#server.send(stanza, pair, taken)
  }

  pause(): void {
    this.#server.pause()
  }

  resume(): void {
    this.#server.resume()
  }

  /** Stanzas that have come, of all streams that are open: whether it has become quiet. */
  get received(): number {
    return this.#server.views().reduce((sum, { stanzasIn }) => sum + stanzasIn, 0)
  }

  offersXmpp(domain: Domain): Promise<boolean | undefined> {
    return namesServers(domain, this.#options)
  }

  stats(): object {
    return this.#server.stats()
  }

  view(): S2sView {
    return this.#events.view(this.#server)
  }
}

/** Without a certificate to show, and nobody's believed but those of the web's authorities. */
const bare = (): Material => ({ certificates: [], trust: webTrust() })
