import { isNotice } from '../interworking/notice.ts'
import type { SipRequest } from '../sip/message.ts'
import { param } from '../sip/scan.ts'

/** Bodies that a client sends by itself: typing (RFC 3994) and delivery reports (RFC 5438). */
const REPORTS = /^\s*(application\/im-iscomposing\+xml|message\/imdn\+xml)\s*(;|$)/i
const CPIM = /^\s*message\/cpim\s*(;|$)/i
/** A delivery report within CPIM is marked so (RFC 5438). */
const CPIM_REPORT = /^Content-Disposition:\s*notification\b/im
/** Bytes of a CPIM body that are searched for it. */
const HEAD = 4096

/**
 * Whether no person sent this: such a request teaches nothing (`learns`). A MESSAGE is a person's unless it is a notice
 * of ours, says `Auto-Submitted` other than `no` (RFC 3834 §5), reports typing or delivery, or is empty. A SUBSCRIBE
 * is a person's where it begins a subscription: a refresh has a To tag, an end or a fetch `Expires: 0`
 * (RFC 6665 §4.1.2). Every other method is talk among machines.
 */
export function isAutomatic(request: SipRequest): boolean {
  const { method, headers, body } = request
  if (isNotice(request) || saysSo(headers.get('Auto-Submitted'))) return true
  switch (method) {
    case 'MESSAGE':
      return body.length === 0 || isReport(headers.get('Content-Type') ?? '', body)
    case 'SUBSCRIBE':
      return headers.get('Expires')?.trim() === '0' || hasTag(request)
    default:
      return true
  }
}

/** What follows a semicolon are parameters, which do not matter. */
const saysSo = (value: string | undefined): boolean =>
  value !== undefined && value.split(';', 1)[0]?.trim().toLowerCase() !== 'no'

function isReport(type: string, body: Uint8Array): boolean {
  if (REPORTS.test(type)) return true
  return CPIM.test(type) && CPIM_REPORT.test(Buffer.from(body.subarray(0, HEAD)).toString('latin1'))
}

function hasTag({ headers }: SipRequest): boolean {
  const to = headers.to()
  return to !== undefined && param(to.params, 'tag') !== undefined
}
