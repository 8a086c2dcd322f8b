import { flat } from '../kernel/flat.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { type HeaderField, Headers } from './headers.ts'
import type { SipRequest, SipResponse } from './message.ts'
import { type NameAddr, nameAddrText, parseNameAddrs } from './name-addr.ts'
import { has, param } from './scan.ts'
import type { SipUri, Uri } from './uri.ts'
import { parseUri } from './uri-parse.ts'
import { uriText } from './uri-write.ts'

/**
 * What one end knows of a dialog (RFC 3261 §12), as a plain value: JSON keeps it whole. Its strings are storage of their
 * own, so that no message is kept by them.
 */
export interface Dialog {
  readonly callId: string
  readonly localTag: string
  /** `''`: none, either because the dialog is not there yet or because the peer is one of RFC 2543. */
  readonly remoteTag: string
  /** URIs as text; those of From and To. */
  readonly localUri: string
  readonly remoteUri: string
  /** The number of our last request; 0: there was none. */
  readonly localCSeq: number
  /** The highest number of the peer's requests; undefined: there was none. */
  readonly remoteCSeq?: number
  /** Route values in the order in which they are written. */
  readonly routes: readonly string[]
  /** The remote target: a `sip` or `sips` URI. */
  readonly target: string
  readonly secure: boolean
}

export type DialogError =
  | 'no-tag'
  /** No Contact, several, or one that is no `sip` or `sips` URI. */
  | 'bad-contact'
  | 'bad-route'
  /** More routes, or longer ones, than a table of very many dialogs can hold. */
  | 'too-large'

const MOST_ROUTES = 20
/** Octets of Call-ID, tags, URIs and routes together. */
const MOST_TEXT = 4096
const NO_ROUTES: readonly string[] = []
const NO_BODY = new Uint8Array(0)

/**
 * As user agent server, from the request that makes it (§12.1.1).
 * @param tag ours, as the response will have it
 * @param overTls the request came over TLS
 */
export function dialogOfRequest(
  request: SipRequest,
  tag: string,
  overTls = false,
): Result<Dialog, DialogError> {
  const { headers } = request
  const routes = routesOf(headers)
  if (!routes.ok) return routes
  const target = contactOf(headers)
  if (target === undefined) return err('bad-contact')
  return fitting({
    callId: flat(headers.get('Call-ID') ?? ''),
    localTag: tag,
    remoteTag: flat(tagIn(headers.from()) ?? ''),
    localUri: addressText(headers.to()),
    remoteUri: addressText(headers.from()),
    localCSeq: 0,
    ...numbered(request),
    routes: routes.value,
    target,
    secure: overTls && request.uri.scheme === 'sips',
  })
}

/**
 * As user agent client, from the response that makes it (§12.1.2).
 * @param overTls the request went over TLS
 */
export function dialogOfResponse(
  request: SipRequest,
  response: SipResponse,
  overTls = false,
): Result<Dialog, DialogError> {
  const routes = routesOf(response.headers)
  if (!routes.ok) return routes
  const target = contactOf(response.headers)
  if (target === undefined) return err('bad-contact')
  const { headers } = request
  const tag = tagIn(headers.from())
  if (tag === undefined) return err('no-tag')
  return fitting({
    callId: flat(headers.get('Call-ID') ?? ''),
    localTag: flat(tag),
    remoteTag: flat(tagIn(response.headers.to()) ?? ''),
    localUri: addressText(headers.from()),
    remoteUri: addressText(headers.to()),
    localCSeq: headers.cseq()?.number ?? 0,
    routes: keptRoutes(routes.value.toReversed()),
    target,
    secure: overTls && request.uri.scheme === 'sips',
  })
}

/**
 * The subscriber's dialog, which the first NOTIFY makes and not the response to SUBSCRIBE (RFC 6665 §4.4.1): route set
 * and remote target are the NOTIFY's.
 * @param seed what the SUBSCRIBE was written with
 */
export function dialogOfNotify(seed: Dialog, notify: SipRequest): Result<Dialog, DialogError> {
  const made = dialogOfRequest(notify, seed.localTag)
  if (!made.ok) return made
  if (made.value.remoteTag === '') return err('no-tag')
  const { callId, localUri, localCSeq, secure } = seed
  // Very many are kept: what is the same text is the same storage.
  const remoteUri = made.value.remoteUri === seed.remoteUri ? seed.remoteUri : made.value.remoteUri
  return ok({ ...made.value, callId, localUri, remoteUri, localCSeq, secure })
}

/** With that text for the same remote URI: very many are kept, and their owners keep the URI too. */
export const sharing = (dialog: Dialog, remoteUri: string): Dialog =>
  dialog.remoteUri === remoteUri ? { ...dialog, remoteUri } : dialog

/** After a target refresh request, or a 2xx to one: the remote target is its Contact, where there is one (§12.2). */
export function refreshed(dialog: Dialog, { headers }: { readonly headers: Headers }): Dialog {
  const target = contactOf(headers)
  return target === undefined || target === dialog.target || target.length > MOST_TEXT / 2
    ? dialog
    : { ...dialog, target }
}

/** After a request within it; undefined: its number is lower than one before, and it gets 500 (§12.2.2). */
export function received(dialog: Dialog, request: SipRequest): Dialog | undefined {
  const number = request.headers.cseq()?.number ?? 0
  if (dialog.remoteCSeq === number) return dialog
  return number < (dialog.remoteCSeq ?? 0) ? undefined : { ...dialog, remoteCSeq: number }
}

/** True where the request belongs to this dialog, or to the one that it begins: `remoteTag` is still `''` then. */
export function isWithin(dialog: Dialog, { headers }: SipRequest): boolean {
  return (
    tagIn(headers.to()) === dialog.localTag &&
    headers.get('Call-ID') === dialog.callId &&
    (dialog.remoteTag === '' || tagIn(headers.from()) === dialog.remoteTag)
  )
}

/**
 * A request within the dialog (§12.2.1.1), or the one that is to make it. Its CSeq is `localCSeq`: whoever sends it
 * counts, since numbers may be reserved many at a time.
 * @throws TypeError where the dialog was not made here and its target is no URI
 */
export function requestWithin(
  dialog: Dialog,
  method: string,
  fields: readonly HeaderField[],
  body: Uint8Array = NO_BODY,
): SipRequest {
  const target = readUri(dialog.target)
  const first = dialog.routes.length === 0 ? undefined : routeUri(dialog.routes[0] as string)
  const strict = first !== undefined && !has(first.params, 'lr')
  const routes = strict ? [...dialog.routes.slice(1), `<${dialog.target}>`] : dialog.routes
  const headers: HeaderField[] = [
    ...routes.map((route): HeaderField => ['Route', route]),
    ['From', tagged(dialog.localUri, dialog.localTag)],
    ['To', tagged(dialog.remoteUri, dialog.remoteTag)],
    ['Call-ID', dialog.callId],
    ['CSeq', `${dialog.localCSeq} ${method}`],
    ['Max-Forwards', '70'],
    ...fields,
  ]
  const uri = asRequestUri(strict ? first : target)
  return { kind: 'request', method, uri, headers: new Headers(headers), body }
}

/** Of From or To; undefined where there is none. */
export const tagIn = (address: NameAddr | undefined): string | undefined =>
  address === undefined ? undefined : param(address.params, 'tag')

const tagged = (uri: string, tag: string): string => (tag === '' ? `<${uri}>` : `<${uri}>;tag=${tag}`)

const addressText = (address: NameAddr | undefined): string =>
  address === undefined ? '' : flat(uriText(address.uri))

const numbered = ({ headers }: SipRequest): { remoteCSeq?: number } => {
  const cseq = headers.cseq()
  return cseq === undefined ? {} : { remoteCSeq: cseq.number }
}

function contactOf(headers: Headers): string | undefined {
  const lines = headers.all('Contact')
  const contacts = lines.length === 1 ? parseNameAddrs(lines[0] as string) : undefined
  const contact = contacts?.ok && contacts.value.length === 1 ? contacts.value[0] : undefined
  return contact !== undefined && isSip(contact.uri) ? flat(uriText(contact.uri)) : undefined
}

/** The Record-Route values from the topmost on. */
function routesOf(headers: Headers): Result<readonly string[], DialogError> {
  const lines = headers.all('Record-Route')
  if (lines.length === 0) return ok(NO_ROUTES)
  const routes: string[] = []
  for (const line of lines) {
    const parsed = parseNameAddrs(line)
    if (!parsed.ok || !parsed.value.every(({ uri }) => isSip(uri))) return err('bad-route')
    for (const route of parsed.value) routes.push(nameAddrText({ ...route, display: undefined }))
  }
  return routes.length > MOST_ROUTES ? err('too-large') : ok(keptRoutes(routes))
}

const KEPT = new Map<string, readonly string[]>()
/** Route sets whose value is shared; those of servers that write the same into every dialog. */
const MOST_KEPT = 256

/** For very many dialogs: one value for those that go the same way. */
export function keptRoutes(routes: readonly string[]): readonly string[] {
  const key = routes.join()
  let kept = KEPT.get(key)
  if (kept === undefined) {
    kept = routes.map(flat)
    // The oldest goes: some servers write a mark of the dialog into each.
    if (KEPT.size >= MOST_KEPT) KEPT.delete(KEPT.keys().next().value as string)
    KEPT.set(flat(key), kept)
  }
  return kept
}

function fitting(dialog: Dialog): Result<Dialog, DialogError> {
  const { callId, localTag, remoteTag, localUri, remoteUri, routes, target } = dialog
  let text = callId.length + localTag.length + remoteTag.length + localUri.length + remoteUri.length
  text += target.length
  for (const route of routes) text += route.length
  return text > MOST_TEXT ? err('too-large') : ok(dialog)
}

function routeUri(route: string): SipUri {
  const parsed = parseNameAddrs(route)
  const uri = parsed.ok ? parsed.value[0]?.uri : undefined
  if (uri === undefined || !isSip(uri)) throw new TypeError('a route set that holds no SIP URI')
  return uri
}

function readUri(text: string): Uri {
  const uri = parseUri(text)
  if (!uri.ok) throw new TypeError('a remote target that is no URI')
  return uri.value
}

/** Without what RFC 3261 §19.1.1 (table 1) does not allow there. */
const asRequestUri = (uri: Uri): Uri =>
  isSip(uri) && (uri.headers !== undefined || has(uri.params, 'method'))
    ? { ...uri, headers: undefined, params: uri.params.filter(([name]) => name !== 'method') }
    : uri

const isSip = (uri: Uri): uri is SipUri => uri.scheme === 'sip' || uri.scheme === 'sips'
