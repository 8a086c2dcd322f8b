import { connect } from 'node:net'
import type { Domain } from '../../kernel/domain.ts'
import type { Timer } from '../../kernel/timer-wheel.ts'
import { isPrivate } from '../../net/private-addresses.ts'
import { isReachable } from '../../net/reachable.ts'
import type { Element } from '../xml/element.ts'
import type { BadStanza } from '../xml/reader.ts'
import type { StreamError } from '../xml/stream-error.ts'
import { type LocateDeps, locate, locateHost } from './locate.ts'
import type { Accepted } from './negotiation.ts'
import type { PeerRules, S2sOptions } from './options.ts'
import type { Located, Place } from './place.ts'
import { SetUp, type Tried } from './set-up.ts'
import { addressOf, type StreamFailure } from './stream-failure.ts'
import { CLOSE, writeStreamError } from './stream-header.ts'
import { OCTETS_BEFORE_TLS, Wire } from './wire.ts'

export interface DiallingEvents {
  /** A child of the stream, but for those of its set-up that go to `setUp`. */
  element(element: Element, setUp: SetUp): void
  badStanza(stanza: BadStanza, setUp: SetUp): void
  leaving(): string
  ready(): void
  live(managed: boolean): void
  unsolicited(): void
  octetsBeforeTls(): void
  /** There will be no stream. Once; nothing follows but `closed`. */
  failed(failure: StreamFailure): void
  /** The stream, once the peer has let us in, is being ended by it. */
  ended(reason: string, error: StreamError | undefined): void
  /** There is no connection any more. Once. */
  closed(reason: string): void
}

export interface DiallingOptions {
  readonly own: Domain
  readonly other: Domain
  readonly s2s: S2sOptions
  readonly rules: () => PeerRules | undefined
  readonly events: DiallingEvents
}

/** Connections get a part of the time for the set-up, so that a place that is silent leaves some for the next ones. */
const CONNECTING = 1 / 4
/** Places that a failure names. */
const NAMED = 3

/**
 * Finds the other domain's servers and tries one place after the other, until one answers with a stream. With that one it
 * ends well or not at all: whoever refuses us is not asked again at their other addresses.
 */
export class Dialling {
  readonly #options: DiallingOptions
  readonly #lookup = new AbortController()
  #places: readonly Place[] = []
  #at = 0
  readonly #misses: string[] = []
  #wire: Wire | undefined
  #setUp: SetUp | undefined
  #connecting: Timer | undefined
  #wanted = false
  #over = false
  /** The condition of the peer's stream error. */
  #said: string | undefined

  constructor(options: DiallingOptions) {
    this.#options = options
  }

  get wire(): Wire | undefined {
    return this.#wire
  }

  get setUp(): SetUp | undefined {
    return this.#setUp
  }

  get place(): Place | undefined {
    return this.#places[this.#at]
  }

  /** A connection is being made, or there is none yet. */
  get connecting(): boolean {
    return this.#connecting !== undefined || this.#wire === undefined
  }

  get #accepted(): Accepted {
    return this.#options.rules()?.accepted ?? []
  }

  start(): void {
    this.#locate().then(
      (located) => {
        if (this.#over) return
        if (located.ok) {
          this.#places = located.value
          this.#dial(new Set())
          return
        }
        const { kind, reason } = located.error
        this.fail({ kind: kind === 'unknown' ? 'unreachable' : 'not-found', text: reason })
      },
      (error: unknown) => {
        if (this.#over) return
        this.#options.s2s.onFault(error)
        this.fail({ kind: 'unreachable', text: `${this.#options.other} could not be looked up` })
      },
    )
  }

  /** There are stanzas. */
  prove(): void {
    this.#wanted = true
    this.#setUp?.prove()
  }

  /** Ends the set-up; where there is a stream, the peer is told why. */
  fail(failure: StreamFailure, error?: StreamError): void {
    if (this.#over) return
    this.#over = true
    this.#lookup.abort()
    this.#connecting?.cancel()
    const wire = this.#wire
    this.#options.events.failed(failure)
    if (wire === undefined) this.#options.events.closed(failure.text)
    else if (this.#setUp?.spoken !== true) wire.destroy(failure.text)
    else wire.end(error === undefined ? CLOSE : writeStreamError(error), failure.text)
  }

  /** It took too long. */
  expire(): void {
    const { other, s2s } = this.#options
    const misses = this.#misses.length === 0 ? '' : `; ${this.#named()}`
    const { place: at, connecting } = this
    const place =
      at === undefined
        ? 'its servers were not found'
        : `${addressOf(at)} ${connecting ? 'does not answer' : this.#setUp?.spoken === true ? 'does not let us in' : 'says nothing'}`
    const text = `no stream to ${other} within ${s2s.limits.setUp / 1000} s: ${place}${misses}`
    this.fail({ kind: 'unreachable', text }, { condition: 'connection-timeout', text: 'it took too long' })
  }

  /** A stream error of the peer's. */
  said(condition: string): void {
    this.#said = condition
    this.#peerEnds(`the peer ended the stream: ${condition}`)
  }

  async #locate(): Promise<Located> {
    const { other, s2s, rules } = this.#options
    const { lookups, random, families, reachable } = s2s
    const { fixed, publicOnly = false } = rules() ?? {}
    const deps: LocateDeps = {
      lookups,
      random,
      directTls: this.#accepted.some((way) => way !== 'tcp-dialback'),
      ...(families === undefined ? {} : { families }),
      ...(reachable === undefined ? {} : { reachable }),
      ...(publicOnly ? { reachable: isPublic } : {}),
    }
    const { signal } = this.#lookup
    return fixed === undefined ? locate(other, deps, signal) : locateHost(other, fixed, deps, signal)
  }

  #dial(tried: ReadonlySet<Tried>): void {
    const { own, other, s2s, events } = this.#options
    const place = this.place
    if (place === undefined) {
      this.fail({ kind: 'unreachable', text: `${other} cannot be reached: ${this.#named()}` })
      return
    }
    this.#said = undefined
    const socket = connect({ host: place.address, port: place.port })
    const wire: Wire = new Wire(socket, {
      xml: s2s.xml,
      outgoingBytes: s2s.limits.outgoingBytes,
      credentials: s2s.credentials,
      clock: s2s.clock,
      events: {
        header: (header) => this.#guarded(() => setUp.header(header)),
        element: (element) =>
          this.#guarded(() => {
            if (!this.#over && (this.#said === undefined || setUp.established)) events.element(element, setUp)
          }),
        badStanza: (stanza) => this.#guarded(() => events.badStanza(stanza, setUp)),
        ended: () => this.#guarded(() => this.#peerEnds('the peer ended the stream')),
        unreadable: (error) =>
          this.#guarded(() => this.#peerEnds(`what came is no XMPP: ${error.text}`, error)),
        secured: (secured) => this.#guarded(() => setUp.secured(secured)),
        leaving: () => events.leaving(),
        closed: (reason) => this.#guarded(() => this.#closed(reason, tried)),
      },
    })
    const setUp: SetUp = new SetUp({
      own,
      other,
      wire,
      place,
      keys: s2s.keys,
      accepted: () => this.#accepted,
      tried,
      clock: s2s.clock,
      events: {
        ready: () => events.ready(),
        live: (managed) => events.live(managed),
        failed: (failure, error) => this.fail(failure, error),
        unsolicited: () => events.unsolicited(),
      },
    })
    this.#wire = wire
    this.#setUp = setUp
    if (this.#wanted) setUp.prove()
    this.#connecting = s2s.timers.set(s2s.limits.setUp * CONNECTING, () => wire.destroy('ETIMEDOUT'))
    socket.once('connect', () => {
      this.#connecting?.cancel()
      this.#connecting = undefined
      setUp.connected()
    })
  }

  /** Whatever comes behind it is not read for the set-up any more; `closed` follows. */
  #peerEnds(reason: string, error?: StreamError): void {
    if (this.#setUp?.stage === 'live') this.#options.events.ended(reason, error)
    else if (this.#setUp?.spoken !== true) this.#wire?.destroy(reason)
    else this.#wire?.end(error === undefined ? CLOSE : writeStreamError(error), reason)
  }

  #closed(reason: string, tried: ReadonlySet<Tried>): void {
    const { other, events } = this.#options
    this.#connecting?.cancel()
    this.#connecting = undefined
    this.#wire = undefined
    const setUp = this.#setUp as SetUp
    if (this.#over || setUp.established) {
      this.#over = true
      events.closed(reason)
      return
    }
    const where = addressOf(this.place as Place)
    const attack = reason === OCTETS_BEFORE_TLS
    const again = attack ? undefined : setUp.again()
    if (attack) events.octetsBeforeTls()
    if (again !== undefined) this.#dial(new Set(tried).add(again))
    else if (!setUp.spoken) {
      this.#misses.push(`${plain(reason)} ${where}`)
      this.#at++
      this.#dial(new Set())
    } else {
      const unknown = this.#said === 'host-unknown' || this.#said === 'host-gone'
      const text = `${other} refuses the stream: ${this.#said ?? plain(reason)} (${where})`
      this.fail({ kind: unknown ? 'not-found' : 'refused', text })
    }
  }

  /** A fault of ours costs this stream, and no more. */
  #guarded(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#options.s2s.onFault(error)
      this.#wire?.destroy('a fault of ours')
    }
  }

  #named(): string {
    const more = this.#misses.length - NAMED
    return this.#misses.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '')
  }
}

/** A word of Node's or ours on one line, and not a long one. */
const plain = (reason: string): string => reason.replaceAll(/[^ -~]+/g, ' ').slice(0, 120)

const isPublic = (address: string, port: number): boolean => isReachable(address, port) && !isPrivate(address)
