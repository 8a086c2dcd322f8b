import type { Clock } from '../kernel/clock.ts'
import type { EndpointEvent } from '../sip/endpoint/endpoint.ts'
import type { Log } from './log.ts'

export interface SipEventsOptions {
  readonly log: Log
  readonly clock: Clock
  /** Lines a second about what peers do (10); the others are counted in the next line that is written. */
  readonly perSecond?: number
}

/** What the SIP endpoint has to tell, as lines of the log. A peer that sends rubbish cannot fill the disk. */
export class SipEvents {
  readonly #options: SipEventsOptions
  #window = Number.NEGATIVE_INFINITY
  #lines = 0
  #suppressed = 0

  constructor(options: SipEventsOptions) {
    this.#options = options
  }

  report(event: EndpointEvent): void {
    const { log } = this.#options
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
      case 'malformed':
        this.#warn(about, 'a SIP message cannot be read')
        return
      case 'response-failed':
        this.#warn(about, 'a SIP response could not be sent')
        return
      case 'overloaded':
        this.#warn(about, 'too much SIP at once: new requests are refused')
        return
      case 'silent':
        this.#warn(about, 'a SIP request has had no answer')
        return
      default:
        event satisfies never
    }
  }

  #warn(about: object, message: string): void {
    const { log, clock, perSecond = 10 } = this.#options
    const now = clock.now()
    if (now - this.#window >= 1000) {
      this.#window = now
      this.#lines = 0
    }
    if (this.#lines >= perSecond) {
      this.#suppressed++
      return
    }
    this.#lines++
    log.warn(this.#suppressed > 0 ? { ...about, suppressed: this.#suppressed } : about, message)
    this.#suppressed = 0
  }
}
