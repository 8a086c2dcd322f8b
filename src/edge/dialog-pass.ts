import type { Clock } from '../kernel/clock.ts'
import { Mac } from '../kernel/mac.ts'
import type { Random } from '../kernel/random.ts'
import type { SipRequest } from '../sip/message.ts'
import type { NameAddr } from '../sip/name-addr.ts'
import { param } from '../sip/scan.ts'
import { aorOf } from '../sip/uri-compare.ts'

const HOUR = 3_600_000

/** `current`: levels need not be asked. `old`: it was admitted too long ago for that, and only says whom the dialog joins. */
export type Admitted = 'current' | 'old'

/**
 * What the rules have admitted once, they let go on for a time: our Record-Route carries a mark over the time, the Call-ID,
 * the initiator's tag and both addresses, and whoever comes back with it is within that dialog. Nothing is remembered here
 * for it. After a restart marks are no longer known: requests are then judged as if they stood alone.
 */
export class DialogPass {
  readonly #mac: Mac
  readonly #clock: Pick<Clock, 'now'>
  readonly #hours: number

  /** @param lifetime ms for which a mark lets pass what levels would refuse; counted in whole hours */
  constructor(random: Random, clock: Pick<Clock, 'now'>, lifetime: number) {
    this.#mac = new Mac(random.token(43))
    this.#clock = clock
    this.#hours = Math.floor(lifetime / HOUR)
  }

  /** For a request that begins a dialog. */
  for(request: SipRequest): string {
    const { headers } = request
    const hour = this.#hour().toString(36)
    return `${hour}.${this.#mac.of(partsOf(hour, headers.get('Call-ID'), headers.from(), headers.to()))}`
  }

  /**
   * Is this request within the dialog for which the mark was made, from whichever side? Without both tags it is within
   * none (RFC 3261 §12.2), whatever it carries.
   */
  admits(mark: string, { headers }: SipRequest): Admitted | undefined {
    const [callId, from, to] = [headers.get('Call-ID'), headers.from(), headers.to()]
    if (tagOf(from) === '' || tagOf(to) === '') return undefined
    const dot = mark.indexOf('.')
    const hour = mark.slice(0, dot)
    const rest = mark.slice(dot + 1)
    const own =
      dot > 0 &&
      (this.#mac.is(rest, partsOf(hour, callId, from, to)) ||
        this.#mac.is(rest, partsOf(hour, callId, to, from)))
    if (!own) return undefined
    return this.#hour() - Number.parseInt(hour, 36) < this.#hours ? 'current' : 'old'
  }

  #hour(): number {
    return Math.floor(this.#clock.now() / HOUR)
  }
}

const tagOf = (party: NameAddr | undefined): string =>
  party === undefined ? '' : (param(party.params, 'tag') ?? '')

/** The initiator's tag; that of the other side is not known yet when the mark is made. */
const partsOf = (
  hour: string,
  callId: string | undefined,
  initiator: NameAddr | undefined,
  other: NameAddr | undefined,
): readonly string[] => [
  hour,
  callId ?? '',
  tagOf(initiator),
  initiator === undefined ? '' : aorOf(initiator.uri),
  other === undefined ? '' : aorOf(other.uri),
]
