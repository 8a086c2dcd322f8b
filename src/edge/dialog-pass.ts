import { Mac } from '../kernel/mac.ts'
import type { Random } from '../kernel/random.ts'
import type { SipRequest } from '../sip/message.ts'
import type { NameAddr } from '../sip/name-addr.ts'
import { param } from '../sip/scan.ts'
import { aorOf } from '../sip/uri-compare.ts'

/**
 * What the rules have admitted once, they let go on: our Record-Route carries a mark over the Call-ID, the initiator's
 * tag and both addresses, and whoever comes back with it is within that dialog. Nothing is remembered here for it. After a
 * restart marks are no longer known: requests are then judged as if they stood alone.
 */
export class DialogPass {
  readonly #mac: Mac

  constructor(random: Random) {
    this.#mac = new Mac(random.token(43))
  }

  /** For a request that begins a dialog. */
  for(request: SipRequest): string {
    const { headers } = request
    return this.#mac.of(partsOf(headers.get('Call-ID'), headers.from(), headers.to()))
  }

  /** Is this request within the dialog for which the mark was made, from whichever side? */
  admits(mark: string, { headers }: SipRequest): boolean {
    const [callId, from, to] = [headers.get('Call-ID'), headers.from(), headers.to()]
    return this.#mac.is(mark, partsOf(callId, from, to)) || this.#mac.is(mark, partsOf(callId, to, from))
  }
}

/** The initiator's tag; that of the other side is not known yet when the mark is made. */
const partsOf = (
  callId: string | undefined,
  initiator: NameAddr | undefined,
  other: NameAddr | undefined,
): readonly string[] => [
  callId ?? '',
  initiator === undefined ? '' : (param(initiator.params, 'tag') ?? ''),
  initiator === undefined ? '' : aorOf(initiator.uri),
  other === undefined ? '' : aorOf(other.uri),
]
