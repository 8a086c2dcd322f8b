import { type HeaderField, Headers } from './headers.ts'
import type { SipResponse } from './message.ts'
import { REASONS } from './reasons.ts'
import { has } from './scan.ts'
import { withFirst } from './via.ts'

const NO_BODY = new Uint8Array(0)

export interface ResponseOptions {
  /** Put into To unless it has a tag already or the response is a 100. Derive it from the request where it must repeat. */
  readonly toTag?: string | undefined
  /** The whole value of To instead of the request's: that of a response that is passed on. */
  readonly to?: string | undefined
  /** Stands for the first hop: `receivedVia`. */
  readonly topVia?: string | undefined
  /** Further fields, behind the copied ones. */
  readonly headers?: readonly HeaderField[]
  readonly body?: Uint8Array | undefined
}

/**
 * A response with every Via, From, To, Call-ID and CSeq of the request (RFC 3261 §8.2.6), Timestamp in a 100.
 * @param request the request, or the error that `parseMessage` gave for it: what it lacks is left out
 */
export function response(
  request: { readonly headers: Headers },
  status: number,
  reason: string = REASONS[status] ?? '',
  options: ResponseOptions = {},
): SipResponse {
  const fields: HeaderField[] = []
  let topVia = options.topVia
  for (const field of request.headers.fields()) {
    switch (field[0]) {
      case 'Via':
        fields.push(topVia === undefined ? field : ['Via', withFirst(field[1], topVia)])
        topVia = undefined
        break
      case 'From':
      case 'Call-ID':
      case 'CSeq':
        fields.push(field)
        break
      case 'To':
        if (options.to !== undefined) fields.push(['To', options.to])
        else fields.push(status === 100 ? field : tagged(request.headers, field, options.toTag))
        break
      case 'Timestamp':
        if (status === 100) fields.push(field)
        break
    }
  }
  if (options.headers !== undefined) fields.push(...options.headers)
  return { kind: 'response', status, reason, headers: new Headers(fields), body: options.body ?? NO_BODY }
}

function tagged(headers: Headers, field: HeaderField, tag: string | undefined): HeaderField {
  if (tag === undefined) return field
  const to = headers.to()
  return to === undefined || has(to.params, 'tag') ? field : ['To', `${field[1]};tag=${tag}`]
}
