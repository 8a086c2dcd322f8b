import { err, type Result } from '../kernel/result.ts'
import type { HeaderField } from '../sip/headers.ts'
import type { SipResponse } from '../sip/message.ts'
import { parseNameAddrs } from '../sip/name-addr.ts'
import { REASONS } from '../sip/reasons.ts'
import type { Uri } from '../sip/uri.ts'
import { parseUri } from '../sip/uri-parse.ts'
import { uriText } from '../sip/uri-write.ts'
import { parseStanzaError, type StanzaCondition, stanzaError } from '../xmpp/stanza-error.ts'
import type { Element } from '../xmpp/xml/element.ts'
import { lineText, xmlText } from './text.ts'

/** RFC 7247 table 2: by what the error concerns, a full JID or a bare one. */
interface Statuses {
  readonly full: number
  readonly bare: number
}
const always = (status: number): Statuses => ({ full: status, bare: status })

/**
 * RFC 7247 §7.1, table 2, where SIP allows it. What differs, and why: 401 and 407 need a challenge that we cannot
 * make (RFC 3261 §21.4.2, §21.4.8), so 403; `remote-server-timeout` would be 408, which no non-INVITE request may
 * get (RFC 4320 §4.2), so 504; `service-unavailable` never becomes 503 (note 5); 491 is INVITE glare, so 400.
 * `gone` and `redirect` without an address are in this table, with one in `stanzaErrorToStatus`.
 */
export const SIP_STATUS_OF = {
  'bad-request': always(400),
  conflict: always(400),
  'feature-not-implemented': { full: 405, bare: 501 },
  forbidden: { full: 403, bare: 603 },
  gone: always(410),
  'internal-server-error': always(500),
  'item-not-found': { full: 404, bare: 604 },
  'jid-malformed': always(400),
  'not-acceptable': { full: 406, bare: 606 },
  'not-allowed': always(403),
  'not-authorized': always(403),
  'policy-violation': always(403),
  'recipient-unavailable': { full: 480, bare: 600 },
  redirect: always(480),
  'registration-required': always(403),
  'remote-server-not-found': always(404),
  'remote-server-timeout': always(504),
  'resource-constraint': always(500),
  'service-unavailable': always(403),
  'subscription-required': always(400),
  'undefined-condition': always(400),
  'unexpected-request': always(400),
} as const satisfies Record<StanzaCondition, Statuses>

export interface StatusAnswer {
  readonly status: number
  readonly reason: string
  readonly headers: readonly HeaderField[]
}

export interface StatusOptions {
  /** The methods that a 405 may name (RFC 3261 §21.4.6); the refused one is taken out. Default: OPTIONS. */
  readonly allow?: readonly string[]
  /** `remote-server-not-found` came from a lookup that failed, not from a domain known not to exist (note 4). */
  readonly unresolved?: boolean
  /** The SIP form of an XMPP address, for Contact. Without it the new address stays an `xmpp:` URI. */
  readonly uriOf?: (jid: string) => Result<Uri, unknown>
}

const MAX_REASON = 128

/**
 * The final response for a stanza error (RFC 7247 §7.1).
 *
 * @param concerned what the error is about: `full` if the request named a device (`gr`), `bare` otherwise
 */
export function stanzaErrorToStatus(
  stanza: Element,
  concerned: 'full' | 'bare',
  method: string,
  options: StatusOptions = {},
): StatusAnswer {
  const error = parseStanzaError(stanza)
  const contact = error.address === undefined ? undefined : contactOf(error.address, options)
  const status = statusOf(error.condition, concerned, method, contact !== undefined, options)
  const headers: HeaderField[] = []
  if (contact !== undefined) headers.push(['Contact', `<${contact}>`])
  if (status === 405)
    headers.push(['Allow', (options.allow ?? ['OPTIONS']).filter((name) => name !== method).join(', ')])
  return { status, reason: lineText(error.text ?? '', MAX_REASON) || (REASONS[status] ?? ''), headers }
}

function statusOf(
  condition: StanzaCondition,
  concerned: 'full' | 'bare',
  method: string,
  moved: boolean,
  options: StatusOptions,
): number {
  if (moved) return condition === 'gone' ? 301 : 302
  const invite = method === 'INVITE'
  if (condition === 'unexpected-request' && invite) return 491
  if (condition === 'remote-server-timeout' && invite) return 408
  if (condition === 'remote-server-not-found' && options.unresolved === true) return invite ? 408 : 504
  return SIP_STATUS_OF[condition][concerned]
}

/** What RFC 3986 lets stand in a URI; the rest would break out of the angle brackets. */
const NOT_IN_URI = /[^A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]/g
/** `encodeURIComponent` throws on a lone surrogate. */
const LONE = /\p{Surrogate}/u
const percent = (char: string) => encodeURIComponent(char)

function contactOf(address: string, options: StatusOptions): string | undefined {
  if (address.length > 2048 || LONE.test(address)) return undefined
  const scheme = /^(sips?|tel|im|pres):/i.test(address)
  if (scheme) {
    const uri = parseUri(address)
    return uri.ok ? uriText(uri.value) : undefined
  }
  const jid = unescaped(address.replace(/^xmpp:/i, '').replace(/[?#].*$/s, ''))
  const uri = options.uriOf?.(jid)
  if (uri?.ok === true) return uriText(uri.value)
  return `xmpp:${jid.replace(/[^\0-\x7f]+/gu, percent).replace(NOT_IN_URI, percent)}`
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    if (cause instanceof URIError) return text
    throw cause
  }
}

/** RFC 7247 §7.2, table 3. Unlisted codes go by their class. */
export const CONDITION_OF: { readonly [status: number]: StanzaCondition } = {
  300: 'redirect',
  301: 'gone',
  302: 'redirect',
  305: 'redirect',
  380: 'not-acceptable',
  400: 'bad-request',
  401: 'not-authorized',
  402: 'bad-request',
  403: 'forbidden',
  404: 'item-not-found',
  405: 'feature-not-implemented',
  406: 'not-acceptable',
  407: 'registration-required',
  408: 'remote-server-timeout',
  410: 'gone',
  413: 'policy-violation',
  414: 'policy-violation',
  415: 'not-acceptable',
  416: 'not-acceptable',
  420: 'feature-not-implemented',
  421: 'not-acceptable',
  423: 'resource-constraint',
  430: 'recipient-unavailable',
  439: 'feature-not-implemented',
  440: 'policy-violation',
  480: 'recipient-unavailable',
  481: 'item-not-found',
  482: 'not-acceptable',
  483: 'not-acceptable',
  484: 'item-not-found',
  485: 'item-not-found',
  486: 'recipient-unavailable',
  487: 'recipient-unavailable',
  488: 'not-acceptable',
  489: 'policy-violation',
  491: 'unexpected-request',
  493: 'bad-request',
  500: 'internal-server-error',
  501: 'feature-not-implemented',
  502: 'remote-server-not-found',
  503: 'internal-server-error',
  504: 'remote-server-timeout',
  505: 'not-acceptable',
  513: 'policy-violation',
  600: 'recipient-unavailable',
  603: 'recipient-unavailable',
  604: 'item-not-found',
  606: 'not-acceptable',
}

type FailureClass = 3 | 4 | 5 | 6
const CONDITION_OF_CLASS = {
  3: 'redirect',
  4: 'bad-request',
  5: 'internal-server-error',
  6: 'recipient-unavailable',
} as const satisfies Record<FailureClass, StanzaCondition>

/** Undefined for 1xx and 2xx, which have no mapping. */
export function conditionOfStatus(status: number): StanzaCondition | undefined {
  const family = Math.floor(status / 100)
  if (family < 3 || family > 6) return undefined
  return CONDITION_OF[status] ?? CONDITION_OF_CLASS[family as FailureClass]
}

/** How a request ended: by a response, by timer F (counts as 408), or because nothing could be sent (counts as 503). */
export type Outcome = SipResponse | { readonly kind: 'timeout' } | { readonly kind: 'transport-failure' }

/**
 * The error stanza that tells the sender of `original`; undefined for 1xx and 2xx, and for an original that is
 * never answered.
 *
 * @param jidOf the XMPP form of a SIP address, for `<gone/>` and `<redirect/>`; without it they hold the SIP URI
 */
export function responseToStanzaError(
  outcome: Outcome,
  original: Element,
  jidOf?: (uri: Uri) => Result<string, unknown>,
): Element | undefined {
  switch (outcome.kind) {
    case 'timeout':
      return answer(original, 'remote-server-timeout', 'No answer in time')
    case 'transport-failure':
      return answer(original, 'internal-server-error', 'The other side cannot be reached')
    case 'response': {
      const condition = conditionOfStatus(outcome.status)
      if (condition === undefined) return undefined
      const moved = condition === 'redirect' || outcome.status === 301
      const address = moved ? newAddress(outcome.headers.get('Contact'), jidOf) : undefined
      return answer(original, condition, outcome.reason, address)
    }
    default:
      return outcome satisfies never
  }
}

/** An IRI, as RFC 6120 §8.3.3.5 and §8.3.3.14 ask. A 301 without Contact thus reads as a 410. */
function newAddress(
  contact: string | undefined,
  jidOf: ((uri: Uri) => Result<string, unknown>) | undefined,
): string | undefined {
  const contacts = contact === undefined ? err('absent') : parseNameAddrs(contact)
  const uri = contacts.ok ? contacts.value[0]?.uri : undefined
  if (uri === undefined) return undefined
  const jid = jidOf === undefined ? err('no-mapping') : jidOf(uri)
  return jid.ok ? `xmpp:${jid.value}` : uriText(uri)
}

/** A refusal of ours, the filter's included, as the answer to its stanza. */
export const refusalToStanzaError = (
  condition: StanzaCondition,
  text: string,
  original: Element,
): Element | undefined => answer(original, condition, text)

const MAX_TEXT = 256

/** With the `code` of the older kind (XEP-0086); the text is made safe, since it may come from a peer. */
function answer(
  original: Element,
  condition: StanzaCondition,
  text: string,
  address?: string,
): Element | undefined {
  const line = lineText(text, MAX_TEXT)
  return stanzaError(original, condition, {
    legacyCode: true,
    ...(line === '' ? {} : { text: line }),
    ...(address === undefined ? {} : { address: xmlText(address) }),
  })
}
