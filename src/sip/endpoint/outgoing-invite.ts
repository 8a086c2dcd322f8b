import { type HeaderField, Headers } from '../headers.ts'
import type { SipRequest, SipResponse } from '../message.ts'
import { writeRequest } from '../serialize.ts'
import type { ClientTransactions, Outcome } from '../transaction/clients.ts'
import type { InviteClientTransaction, InviteUse } from '../transaction/invite-clients.ts'
import type { Carrier } from './carrier.ts'

/** What becomes of an INVITE that was sent. */
export interface InviteHandlers {
  /** 101 to 199. */
  provisional(response: SipResponse): void
  /** Each 2xx, also those sent again and those of other branches of a fork. The ACK is the caller's. */
  success(response: SipResponse): void
  /** A final response other than 2xx, acknowledged already, or none at all; exactly once, unless a 2xx came. */
  done(outcome: Outcome): void
}

const NO_BODY = new Uint8Array(0)
const NO_FIELDS: readonly HeaderField[] = []

/** One INVITE on its way: the octets of the request, of its ACK and of its CANCEL, over one carrier. */
export class OutgoingInvite implements InviteUse {
  readonly branch: string
  readonly sentBy: string
  readonly reliable: boolean
  readonly #request: SipRequest
  readonly #via: string
  readonly #bytes: Uint8Array
  readonly #carrier: Carrier
  readonly #clients: ClientTransactions
  readonly #on: InviteHandlers
  #transaction: InviteClientTransaction | undefined
  #cancelFields: readonly HeaderField[] = NO_FIELDS

  constructor(
    request: SipRequest,
    via: { readonly branch: string; readonly text: string; readonly bytes: Uint8Array },
    carrier: Carrier,
    clients: ClientTransactions,
    on: InviteHandlers,
  ) {
    this.#request = request
    this.branch = via.branch
    this.#via = via.text
    this.#bytes = via.bytes
    this.#carrier = carrier
    this.#clients = clients
    this.#on = on
    this.sentBy = carrier.leg.sentBy
    this.reliable = carrier.reliable
  }

  start(): void {
    this.#transaction = this.#clients.invites.begin(this)
  }

  /** @param fields for the CANCEL, such as Reason (RFC 3326 §2) */
  cancelWith(fields: readonly HeaderField[]): void {
    this.#cancelFields = fields
    this.#transaction?.cancel()
  }

  send(transaction: InviteClientTransaction): void {
    this.#carrier.send(this.#bytes, transaction)
  }

  ack(response: SipResponse): void {
    const to = response.headers.get('To')
    const bytes = writeRequest(this.#hopByHop('ACK', to, NO_FIELDS), this.#via)
    this.#carrier.send(bytes)
  }

  cancel(): void {
    const bytes = writeRequest(this.#hopByHop('CANCEL', undefined, this.#cancelFields), this.#via)
    this.#clients.begin({
      branch: this.branch,
      method: 'CANCEL',
      sentBy: this.sentBy,
      reliable: this.reliable,
      send: (transaction) => this.#carrier.send(bytes, transaction),
      done: () => {},
    })
  }

  provisional(response: SipResponse): void {
    this.#on.provisional(response)
  }

  success(response: SipResponse): void {
    this.#leave()
    this.#on.success(response)
  }

  done(outcome: Outcome): void {
    this.#leave()
    this.#on.done(outcome)
  }

  #leave(): void {
    if (this.#transaction !== undefined) this.#carrier.leave(this.#transaction)
  }

  /** What ACK (§17.1.1.3) and CANCEL (§9.1) take from their INVITE. */
  #hopByHop(method: 'ACK' | 'CANCEL', to: string | undefined, fields: readonly HeaderField[]): SipRequest {
    const number = this.#request.headers.cseq()?.number
    const own: HeaderField[] = [['Max-Forwards', '70']]
    for (const field of this.#request.headers.fields()) {
      const [name] = field
      if (name === 'Route' || name === 'From' || name === 'Call-ID') own.push(field)
      else if (name === 'To') own.push(to === undefined ? field : ['To', to])
      else if (name === 'CSeq') own.push(['CSeq', `${number} ${method}`])
    }
    return {
      kind: 'request',
      method,
      uri: this.#request.uri,
      headers: new Headers([...own, ...fields]),
      body: NO_BODY,
    }
  }
}
