import { BoundedMap } from '../kernel/bounded-map.ts'
import type { Clock } from '../kernel/clock.ts'
import type { SipRequest } from '../sip/message.ts'

/** The requests we made lately, so that one that is routed back to us is known again (RFC 5393 in spirit). */
export class OwnRequests {
  readonly #sent: BoundedMap<string, true>
  readonly #clock: Clock

  constructor(options: { memory: number; limit: number; clock: Clock }) {
    this.#sent = new BoundedMap(options.limit, options.memory)
    this.#clock = options.clock
  }

  remember(request: SipRequest): void {
    this.#sent.set(identityOf(request), true, this.#clock.now())
  }

  has(request: SipRequest): boolean {
    return this.#sent.size > 0 && this.#sent.get(identityOf(request), this.#clock.now()) === true
  }
}

/** Call-ID and CSeq: a request that comes back keeps them, whoever has forwarded it. */
const identityOf = ({ headers }: SipRequest): string => `${headers.get('Call-ID')} ${headers.get('CSeq')}`
