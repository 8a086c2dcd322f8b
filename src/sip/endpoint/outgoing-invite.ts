import { type HeaderField, Headers } from '../headers.ts'
import type { SipRequest, SipResponse } from '../message.ts'
import { checkWritable, writeRequest } from '../serialize.ts'
import type { ClientTransaction, ClientTransactions, Outcome } from '../transaction/clients.ts'
import type { InviteClientTransaction, InviteUse } from '../transaction/invite-clients.ts'
import type { Carrier } from './carrier.ts'
import type { Counters } from './counters.ts'

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

/** A request that was written for its way. */
export interface Written {
  readonly carrier: Carrier
  readonly branch: string
  /** The value of its Via. */
  readonly via: string
  readonly bytes: Uint8Array
}

/** One INVITE on its way: the octets of the request, of its ACK and of its CANCEL, over one carrier. */
export class OutgoingInvite implements InviteUse {
  readonly branch: string
  readonly sentBy: string
  readonly reliable: boolean
  readonly forwarded: boolean
  readonly #request: SipRequest
  readonly #via: string
  readonly #bytes: Uint8Array
  readonly #carrier: Carrier
  readonly #counters: Counters
  readonly #clients: ClientTransactions
  readonly #on: InviteHandlers
  #transaction: InviteClientTransaction | undefined
  #cancelFields: readonly HeaderField[] | undefined

  constructor(
    request: SipRequest,
    written: Written,
    forwarded: boolean,
    deps: { readonly clients: ClientTransactions; readonly counters: Counters },
    on: InviteHandlers,
  ) {
    const { carrier, branch, via, bytes } = written
    this.#request = request
    this.branch = branch
    this.#via = via
    this.#bytes = bytes
    this.#carrier = carrier
    this.#clients = deps.clients
    this.#counters = deps.counters
    this.#on = on
    this.sentBy = carrier.leg.sentBy
    this.reliable = carrier.reliable
    this.forwarded = forwarded
  }

  start(): void {
    this.#counters.requestsOut++
    this.#transaction = this.#clients.invites.begin(this)
  }

  /**
   * @param fields for the CANCEL, such as Reason (RFC 3326 §2)
   * @throws SipWriteError where they would break it
   */
  cancelWith(fields: readonly HeaderField[]): void {
    checkWritable(undefined, fields)
    this.#cancelFields ??= fields
    this.#transaction?.cancel()
  }

  send(transaction: InviteClientTransaction, again: boolean): void {
    if (again) this.#counters.retransmissionsOut++
    this.#carrier.send(this.#bytes, transaction)
  }

  ack(response: SipResponse): void {
    const to = response.headers.get('To')
    const bytes = writeRequest(this.#hopByHop('ACK', to, NO_FIELDS), this.#via)
    this.#counters.requestsOut++
    this.#carrier.send(bytes)
  }

  cancel(): void {
    const fields = this.#cancelFields ?? NO_FIELDS
    const bytes = writeRequest(this.#hopByHop('CANCEL', undefined, fields), this.#via)
    const carrier = this.#carrier
    let waiting: ClientTransaction | undefined
    this.#counters.requestsOut++
    this.#clients.begin({
      branch: this.branch,
      method: 'CANCEL',
      sentBy: this.sentBy,
      reliable: this.reliable,
      send: (transaction, again) => {
        if (again) this.#counters.retransmissionsOut++
        waiting = transaction
        carrier.send(bytes, transaction)
      },
      done: () => {
        if (waiting !== undefined) carrier.leave(waiting)
      },
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
