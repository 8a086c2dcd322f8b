import type { HeaderField } from '../headers.ts'
import { parseContentType } from '../media-type.ts'
import type { SipRequest } from '../message.ts'

/** What a transaction user takes. */
export interface UasSupport {
  /** Methods that are passed on to it. OPTIONS, where it is not among them, is answered here. */
  readonly methods: readonly string[]
  /** Content types as `type/subtype` or `type/*`, in lower case. */
  readonly accept: readonly string[]
  /** Schemes of Request-URIs. */
  readonly schemes: readonly string[]
  /** Option tags. */
  readonly extensions: readonly string[]
  /** Content languages, in lower case; undefined: any. */
  readonly languages?: readonly string[]
  /** The content type of its answers by method, where the sender's Accept matters. */
  readonly answers?: Readonly<Record<string, string>>
  /** True where requests are passed on across (the default), so that their hops count. */
  readonly forwards?: boolean
}

export const MESSAGE_SUPPORT: UasSupport = {
  methods: ['MESSAGE'],
  accept: ['text/plain', 'text/html', 'message/cpim'],
  schemes: ['sip', 'sips', 'im', 'pres', 'tel'],
  extensions: [],
}

export type UasVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'answer'; readonly status: number; readonly headers: readonly HeaderField[] }
  /** ACK is never answered. */
  | { readonly kind: 'ignore' }

const PASS: UasVerdict = { kind: 'pass' }
/** Methods that we know and may not allow (405); any other is not implemented (501): RFC 3261 §21.4.6, §21.5.2. */
const KNOWN = new Set(
  'BYE CANCEL INFO INVITE MESSAGE NOTIFY OPTIONS PRACK PUBLISH REFER REGISTER SUBSCRIBE UPDATE'.split(' '),
)
/** They belong to a dialog, a subscription or a transaction, and there is none (RFC 3261 §15.1.2, RFC 6665 §4.1.3). */
const NEEDS_STATE = new Set(['BYE', 'CANCEL', 'NOTIFY', 'PRACK'])

const answer = (status: number, ...headers: readonly HeaderField[]): UasVerdict => ({
  kind: 'answer',
  status,
  headers,
})

/** What a user agent server checks before it acts on a request, in the order of RFC 3261 §8.2. */
export function checkRequest(request: SipRequest, support: UasSupport): UasVerdict {
  const { method, headers } = request
  if (method === 'ACK') return { kind: 'ignore' }
  const taken = support.methods.includes(method)
  const options = method === 'OPTIONS'

  if (!taken && !options) {
    if (NEEDS_STATE.has(method)) return answer(481)
    return answer(KNOWN.has(method) ? 405 : 501, allow(support))
  }
  if (!support.schemes.includes(schemeOf(request))) return answer(416)
  const required = [
    ...tags(headers.all('Require')),
    // §16.3: Proxy-Require concerns whoever passes the request on.
    ...(taken && support.forwards !== false ? tags(headers.all('Proxy-Require')) : []),
  ]
  const unsupported = required.filter((tag) => !support.extensions.includes(tag))
  if (unsupported.length > 0) return answer(420, ['Unsupported', unsupported.join(', ')])
  if (taken && !options && support.forwards !== false && headers.maxForwards() === 0) return answer(483)

  if (request.body.length > 0) {
    const refused = checkBody(request, support)
    if (refused !== undefined) return refused
  }
  const reply = support.answers?.[method]
  const wanted = headers.all('Accept')
  if (reply !== undefined && wanted.length > 0 && !tags(wanted).some((range) => covers(range, reply)))
    return answer(406, ['Warning', '399 endpoint "No acceptable content type"'])
  return taken ? PASS : answer(200, ...capabilities(support))
}

/** What OPTIONS is told (RFC 3261 §11.2). */
export const capabilities = (support: UasSupport): readonly HeaderField[] => [
  allow(support),
  ['Accept', support.accept.join(', ')],
  ['Accept-Encoding', 'identity'],
  ['Supported', support.extensions.join(', ')],
]

function allow(support: UasSupport): HeaderField {
  const { methods } = support
  return ['Allow', (methods.includes('OPTIONS') ? methods : [...methods, 'OPTIONS']).join(', ')]
}

/** RFC 3261 §8.2.3. An optional body (Content-Disposition with handling=optional) may be ignored. */
function checkBody(request: SipRequest, support: UasSupport): UasVerdict | undefined {
  const { headers } = request
  if (/;\s*handling\s*=\s*optional\b/i.test(headers.get('Content-Disposition') ?? '')) return undefined
  const text = headers.get('Content-Type')
  // §20.15: a body without a type; text/plain is what MESSAGE senders mean (RFC 3428 §4).
  const media = parseContentType(text ?? 'text/plain')
  if (!media.ok) return answer(400)
  const type = `${media.value.type}/${media.value.subtype}`
  if (!support.accept.some((range) => covers(range, type)))
    return answer(415, ['Accept', support.accept.join(', ')])
  if (tags(headers.all('Content-Encoding')).some((coding) => coding.toLowerCase() !== 'identity'))
    return answer(415, ['Accept-Encoding', 'identity'])
  const { languages } = support
  if (languages !== undefined) {
    const foreign = tags(headers.all('Content-Language')).filter(
      (tag) => !languages.includes(tag.toLowerCase()),
    )
    if (foreign.length > 0) return answer(415, ['Accept-Language', languages.join(', ')])
  }
  return undefined
}

function covers(range: string, type: string): boolean {
  const bare = (range.split(';', 1)[0] as string).trim().toLowerCase()
  return bare === '*/*' || bare === type || (bare.endsWith('/*') && type.startsWith(bare.slice(0, -1)))
}

function tags(values: readonly string[]): readonly string[] {
  if (values.length === 0) return values
  return values
    .flatMap((value) => value.split(','))
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '')
}

function schemeOf(request: SipRequest): string {
  return request.uri.scheme === 'other'
    ? (request.uri.text.split(':', 1)[0] as string).toLowerCase()
    : request.uri.scheme
}
