import { BoundedMap } from '../kernel/bounded-map.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Headers } from '../sip/headers.ts'
import type { SipRequest } from '../sip/message.ts'
import { param } from '../sip/scan.ts'

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

/**
 * Call-ID, CSeq and From tag: a request that comes back keeps them, whoever has forwarded it. A reply in the same conversation
 * may have our Call-ID and the same CSeq, but the tag is its own.
 */
const identityOf = ({ headers }: SipRequest): string =>
  `${headers.get('Call-ID')} ${headers.get('CSeq')} ${tagOf(headers)}`

function tagOf(headers: Headers): string | undefined {
  const text = headers.get('From') ?? ''
  // As we write it; everything else is parsed.
  const at = text.lastIndexOf('>;tag=') + 6
  return at > 5 && text.indexOf(';', at) < 0 ? text.slice(at) : param(headers.from()?.params ?? [], 'tag')
}
