import type { Element } from '../xml/element.ts'
import type { StreamView } from './channel.ts'
import { connectionsUpTo } from './connections.ts'
import type { DomainPair } from './domain-pair.ts'
import { IncomingSide, type IncomingStats } from './incoming-side.ts'
import type { BoundListener } from './listener.ts'
import type { Confirmation, S2sListener, S2sOptions } from './options.ts'
import { Pool, type PoolOptions, type PoolStats } from './pool.ts'
import type { TroubledDomain } from './reach.ts'

/** An XMPP server as far as others see it: what they open to us, and what we open to them (RFC 6120, XEP-0220). */
export class S2sServer {
  readonly #pool: Pool
  readonly #incoming: IncomingSide

  /** @param listeners none: nobody can open anything to us, and who verifies our keys cannot answer */
  constructor(
    options: S2sOptions,
    listeners: readonly S2sListener[],
    makePool = (given: PoolOptions): Pool => new Pool(given),
  ) {
    const connections = connectionsUpTo(options.limits.connections)
    this.#pool = makePool({
      s2s: options,
      connections,
      verified: (via, answer) => this.#incoming.receiver.answer(via, answer),
      closed: (stream) => this.#incoming.receiver.closed(stream),
    })
    this.#incoming = new IncomingSide({
      options,
      listeners,
      outward: this.#pool,
      connections,
      reply: (stanza, pair) => {
        this.#pool.send(stanza, pair)
      },
      unsolicited: (stream) => {
        const address = this.#pool.addressOf(stream)
        options.onEvent({ kind: 'suspicious', stream, address, what: 'unsolicited-dialback' })
      },
    })
  }

  /** The listeners as they are bound. */
  get bound(): readonly BoundListener[] {
    return this.#incoming.bound
  }

  /** @throws the system's error where an address cannot be bound; nothing is left open then */
  start(): Promise<void> {
    return this.#incoming.open()
  }

  /** Ends every stream in good order; resolves when no connection is left. */
  async close(): Promise<void> {
    await Promise.all([this.#pool.close(), this.#incoming.close()])
  }

  /**
   * A stanza of ours from `pair.sender`. It leaves now or when the stream of its pair stands, or is bounced. False: too much waits
   * already; nothing was taken.
   */
  send(stanza: Element, pair: DomainPair, taken?: Confirmation): boolean {
    return this.#pool.send(stanza, pair, taken)
  }

  /** The rules have changed: streams that they do not allow any more end. */
  recheck(): void {
    this.#pool.recheck()
    this.#incoming.recheck()
  }

  /** Nothing is read from streams that bring stanzas until `resume`, and the other servers feel it. */
  pause(): void {
    this.#pool.pause()
    this.#incoming.pause()
  }

  resume(): void {
    this.#pool.resume()
    this.#incoming.resume()
  }

  views(): readonly StreamView[] {
    return [...this.#incoming.views(), ...this.#pool.views()]
  }

  troubled(): readonly TroubledDomain[] {
    return this.#pool.troubled()
  }

  stats(): { readonly in: IncomingStats; readonly out: PoolStats } {
    return { in: this.#incoming.stats(), out: this.#pool.stats() }
  }
}
