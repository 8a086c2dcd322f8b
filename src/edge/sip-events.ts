import type { EndpointEvent } from '../sip/endpoint/endpoint.ts'
import type { Log } from './log.ts'
import type { PeerLog } from './peer-log.ts'

/** What the SIP endpoint has to tell, as lines of the log. */
export class SipEvents {
  readonly #log: Log
  readonly #peers: PeerLog

  /** @param peers where what peers do is warned of */
  constructor(log: Log, peers: PeerLog) {
    this.#log = log
    this.#peers = peers
  }

  report(event: EndpointEvent): void {
    const log = this.#log
    const { kind: _, ...about } = event
    switch (event.kind) {
      case 'fault':
        log.error({ id: event.id, err: event.error }, 'fault while SIP was handled')
        return
      case 'listener-broken':
        log.error(about, 'a SIP listener is broken')
        return
      case 'connection-closed':
        log.debug(about, 'a SIP connection has ended')
        return
      case 'peer-unproved':
        this.#peers.warn(about, 'a SIP peer has not proved who it is')
        return
      case 'malformed':
        this.#peers.warn(about, 'a SIP message cannot be read')
        return
      case 'response-failed':
        this.#peers.warn(about, 'a SIP response could not be sent')
        return
      case 'overloaded':
        if (event.what === 'transactions')
          this.#peers.warn(about, 'too much SIP at once: new requests are refused')
        else if (event.what === 'buffered')
          this.#peers.warn(about, 'too much unfinished SIP: the longest is cut off')
        else this.#peers.warn(about, 'too many SIP connections: new ones are refused')
        return
      case 'silent':
        this.#peers.warn(about, 'a SIP request has had no answer')
        return
      default:
        event satisfies never
    }
  }
}
