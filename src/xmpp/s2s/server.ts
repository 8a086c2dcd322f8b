import type { Element } from '../xml/element.ts'
import type { Outward, StreamView } from './channel.ts'
import { type Connections, connectionsUpTo } from './connections.ts'
import type { VerifyAnswer } from './dialback.ts'
import type { DomainPair } from './domain-pair.ts'
import { IncomingSide, type IncomingStats } from './incoming-side.ts'
import type { BoundListener } from './listener.ts'
import type { Confirmation, S2sListener, S2sOptions } from './options.ts'
import type { StreamName } from './receiving-state.ts'

/** What the streams that we open need of the rest. */
export interface OutgoingDeps {
  readonly s2s: S2sOptions
  readonly connections: Connections
  /** What an authoritative server says on a stream of ours, asked or not. */
  verified(via: StreamName, answer: VerifyAnswer): void
  /** A stream of ours takes and brings nothing more. */
  closed(stream: StreamName): void
}

/** The streams that we open. */
export interface OutgoingSide extends Outward {
  /** False: too much waits already; nothing was taken, and nobody is told. */
  send(stanza: Element, pair: DomainPair, taken?: Confirmation): boolean
  recheck(): void
  views(): readonly StreamView[]
  close(): Promise<void>
}

/** Our domains among other XMPP servers: streams in both directions, and the dialback between them (RFC 6120, XEP-0220). */
export class S2sServer<Out extends OutgoingSide> {
  readonly outgoing: Out
  readonly #incoming: IncomingSide
  readonly #options: S2sOptions
  #closing: Promise<void> | undefined

  constructor(
    options: S2sOptions,
    listeners: readonly S2sListener[],
    makeOutgoing: (deps: OutgoingDeps) => Out,
  ) {
    this.#options = options
    const connections = connectionsUpTo(options.limits.connections)
    this.outgoing = makeOutgoing({
      s2s: options,
      connections,
      verified: (via, answer) => this.#incoming.receiver.answer(via, answer),
      closed: (stream) => this.#incoming.receiver.closed(stream),
    })
    this.#incoming = new IncomingSide({
      options,
      listeners,
      connections,
      outward: this.outgoing,
      reply: (stanza, pair) => this.send(stanza, pair),
      unsolicited: (via) => this.#unsolicited(via),
    })
  }

  /** Listeners with the ports that they have. */
  get listeners(): readonly BoundListener[] {
    return this.#incoming.bound
  }

  /** @throws the system's error where an address cannot be bound; then none is */
  start(): Promise<void> {
    return this.#incoming.open()
  }

  /**
   * Takes a stanza of ours: `pair.sender` is the domain of its from, `pair.target` that of its to. False: too much waits already;
   * nothing was taken, and nobody is told.
   */
  send(stanza: Element, pair: DomainPair, taken?: Confirmation): boolean {
    return this.#closing === undefined && this.outgoing.send(stanza, pair, taken)
  }

  /** The rules have changed: streams that they do not allow any more end. */
  recheck(): void {
    this.#incoming.recheck()
    this.outgoing.recheck()
  }

  views(): readonly StreamView[] {
    return [...this.#incoming.views(), ...this.outgoing.views()]
  }

  /** Of what was opened to us. */
  stats(): IncomingStats {
    return this.#incoming.stats()
  }

  /** Tells everybody, and settles once no connection is left. */
  close(): Promise<void> {
    this.#closing ??= Promise.all([this.#incoming.close(), this.outgoing.close()]).then(() => {})
    return this.#closing
  }

  #unsolicited(via: StreamName): void {
    const address = this.outgoing.views().find(({ id }) => id === via)?.address ?? ''
    this.#options.onEvent({ kind: 'suspicious', stream: via, address, what: 'unsolicited-dialback' })
  }
}
