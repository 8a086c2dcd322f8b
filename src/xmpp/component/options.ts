import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import type { Element } from '../xml/element.ts'
import type { XmlLimits } from '../xml/limits.ts'
import type { StreamError } from '../xml/stream-error.ts'
import type { ReconnectTimes } from './back-off.ts'

/**
 * `closed`: not started, or ended by us. `waiting`: for the next try. `live`: the handshake is done and stanzas cross.
 */
export type LinkState = 'closed' | 'waiting' | 'connecting' | 'handshaking' | 'live'

/** What happens to a link, as values for the log. */
export type LinkEvent =
  | { readonly kind: 'live' }
  /** The server does not let us in: wrong secret, unknown or doubled component name. */
  | { readonly kind: 'handshake-refused'; readonly condition: string; readonly text: string | undefined }
  /** The server ended a live stream with an error. */
  | { readonly kind: 'stream-error'; readonly condition: string; readonly text: string | undefined }
  /** What the server sent is not a stream we can read; we ended it. */
  | { readonly kind: 'unreadable'; readonly error: StreamError }
  /** A stanza was refused for what is wrong with it alone; the stream goes on. The addresses are as received. */
  | {
      readonly kind: 'bad-stanza'
      readonly name: string
      readonly from: string | undefined
      readonly to: string | undefined
      readonly condition: string
      readonly text: string
    }
  /** The connection could not be made, or is gone. */
  | { readonly kind: 'lost'; readonly reason: string; readonly wasLive: boolean }
  | { readonly kind: 'retry'; readonly delay: number; readonly attempt: number }

export interface LinkStats {
  /** IP address and port of the server; undefined: there is no connection. */
  readonly address: string | undefined
  /** Whole seconds that the stream has been live; undefined: it is not. */
  readonly liveSeconds: number | undefined
  /** Why there was no stream the last time that there was none. */
  readonly lastError: string | undefined
  readonly bytesIn: number
  readonly bytesOut: number
  readonly sent: number
  readonly received: number
  readonly connects: number
  readonly unconfirmed: number
  readonly refusedSends: number
  /** Children of the stream that were no stanza, or had no from or no to; they go no further. */
  readonly ignored: number
  /** Stanzas that could not be taken, each for itself; answered with an error where there may be one. */
  readonly badStanzas: number
}

export interface KeepAlive {
  /** Milliseconds without a write after which a space is written (RFC 6120 §4.6.1). */
  readonly whitespace: number
  /** Milliseconds without anything read after which a ping is sent (XEP-0199). */
  readonly ping: number
  /** Milliseconds for an answer to a ping; without one the link is dead. */
  readonly answerWithin: number
}

export interface ComponentLinkOptions {
  readonly name: string
  readonly host: string
  readonly port: number
  /** The component's own name at the server. */
  readonly domain: string
  readonly secret: string
  /** Whom the barrier pings; the component itself unless the server does not route that back. */
  readonly pingTo?: string
  readonly limits: XmlLimits
  /** Octets that may wait to be written; `send` says no beyond. */
  readonly outgoingBytes?: number
  readonly reconnect: ReconnectTimes
  readonly keepAlive: KeepAlive
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  onStanza(stanza: Element): void
  onState?(state: LinkState): void
  onEvent?(event: LinkEvent): void
  /** An exception of `onStanza`; the stream goes on. */
  onFault?(error: unknown): void
}
