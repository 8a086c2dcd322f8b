import { err, ok, type Result } from '../kernel/result.ts'
import type { Headers } from '../sip/headers.ts'
import { charsetOf, type MediaType, parseContentType } from '../sip/media-type.ts'
import { param, unquote } from '../sip/scan.ts'

/** What a MESSAGE body says, as text. */
export interface Content {
  readonly plain: string | undefined
  readonly html: string | undefined
}

/**
 * `encoding`: 415 with Accept-Encoding; `type`: 415 with Accept; `charset`: 415 with Accept; `malformed`: 400. A body
 * that is not what it says it is gets refused rather than repaired: the sender learns that it could not be read.
 */
/** Octets of HTML: reading it costs some 0.15 µs each, during which nothing else happens. */
export const HTML_LIMIT = 65_536

export type ContentError = 'encoding' | 'type' | 'charset' | 'malformed' | 'long-html'

const NOTHING: Content = { plain: undefined, html: undefined }
const UTF8 = new TextDecoder('utf-8', { fatal: true })
const MAX_PARTS = 16

/**
 * text/plain, text/html, multipart/alternative of these, and multipart/mixed with one of these while the other parts
 * say that they are optional (RFC 5621 §3, RFC 3261 §20.11). The charset is UTF-8 unless named (RFC 3261 §7.4.1).
 */
export function readContent(headers: Headers, body: Uint8Array): Result<Content, ContentError> {
  const encoding = headers.get('Content-Encoding')
  if (encoding !== undefined && encoding.trim() !== '' && encoding.trim().toLowerCase() !== 'identity')
    return err('encoding')
  if (body.length === 0) return ok(NOTHING)
  const value = headers.get('Content-Type')
  // Hot path: the two forms nearly everybody sends.
  if (value === 'text/plain' || value === 'text/plain;charset=UTF-8') return plain(decodeUtf8(body))
  const media = value === undefined ? undefined : parseContentType(value)
  if (media === undefined) return err('type')
  if (!media.ok) return err('malformed')
  return media.value.type === 'multipart' ? readMultipart(media.value, body) : readText(media.value, body)
}

const plain = (text: Result<string, ContentError>): Result<Content, ContentError> =>
  text.ok ? ok({ plain: text.value, html: undefined }) : text

function readText(media: MediaType, body: Uint8Array): Result<Content, ContentError> {
  if (media.type !== 'text' || (media.subtype !== 'plain' && media.subtype !== 'html')) return err('type')
  if (media.subtype === 'html' && body.length > HTML_LIMIT) return err('long-html')
  const text = decode(charsetOf(media), body)
  if (!text.ok || media.subtype === 'plain') return plain(text)
  return ok({ plain: undefined, html: text.value })
}

function decode(charset: string | undefined, body: Uint8Array): Result<string, ContentError> {
  if (charset === undefined || charset === 'utf-8' || charset === 'utf8') return decodeUtf8(body)
  // The Encoding Standard reads us-ascii as windows-1252; bytes above 127 are simply wrong there.
  if (charset === 'us-ascii' || charset === 'ascii')
    return body.every((byte) => byte < 0x80) ? decodeUtf8(body) : err('malformed')
  let decoder: InstanceType<typeof TextDecoder>
  try {
    decoder = new TextDecoder(charset, { fatal: true })
  } catch (cause) {
    if (cause instanceof RangeError) return err('charset')
    throw cause
  }
  return decodeWith(decoder, body)
}

const decodeUtf8 = (body: Uint8Array): Result<string, ContentError> => decodeWith(UTF8, body)

function decodeWith(
  decoder: InstanceType<typeof TextDecoder>,
  body: Uint8Array,
): Result<string, ContentError> {
  try {
    return ok(decoder.decode(body))
  } catch (cause) {
    if (cause instanceof TypeError) return err('malformed')
    throw cause
  }
}

interface Part {
  readonly content: Result<Content, ContentError>
  readonly optional: boolean
}

function readMultipart(media: MediaType, body: Uint8Array): Result<Content, ContentError> {
  if (media.subtype !== 'alternative' && media.subtype !== 'mixed') return err('type')
  const boundary = unquote(param(media.params, 'boundary') ?? '')
  if (boundary === '' || boundary.length > 70) return err('malformed')
  const parts = splitParts(boundary, body)
  if (parts === undefined) return err('malformed')

  let found: Content = NOTHING
  let failure: ContentError = 'type'
  for (const part of parts) {
    if (!part.content.ok) {
      failure = part.content.error
      if (media.subtype === 'mixed' && !part.optional) return part.content
      continue
    }
    const { plain, html } = part.content.value
    // A second text of a mixed body would be lost: not ours to choose.
    if (media.subtype === 'mixed' && !part.optional && found !== NOTHING) return err('type')
    found = { plain: found.plain ?? plain, html: found.html ?? html }
  }
  return found === NOTHING ? err(failure) : ok(found)
}

/** RFC 2046 §5.1.1. One octet is one character of the scanned text, so that indexes are offsets. */
function splitParts(boundary: string, body: Uint8Array): readonly Part[] | undefined {
  const text = new TextDecoder('latin1').decode(body)
  const delimiter = `--${boundary}`
  const parts: Part[] = []
  let at = text.startsWith(delimiter) ? 0 : next(text, delimiter, 0)
  while (at >= 0) {
    const after = at + delimiter.length + (text.startsWith('\r\n', at) ? 2 : 0)
    if (text.startsWith('--', after)) return parts
    const start = text.indexOf('\r\n', after)
    if (start < 0 || text.slice(after, start).trim() !== '' || parts.length === MAX_PARTS) return undefined
    const end = next(text, delimiter, start)
    if (end < 0) return undefined
    parts.push(readPart(text, start, end, body))
    at = end
  }
  return undefined
}

const next = (text: string, delimiter: string, from: number): number => text.indexOf(`\r\n${delimiter}`, from)

function readPart(text: string, start: number, end: number, body: Uint8Array): Part {
  const blank = text.indexOf('\r\n\r\n', start)
  const head = blank < 0 || blank >= end ? '' : text.slice(start + 2, blank)
  const fields = new Map<string, string>()
  for (const line of head.replace(/\r\n[ \t]+/g, ' ').split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  const optional = /;\s*handling\s*=\s*"?optional"?\s*(;|$)/i.test(fields.get('content-disposition') ?? '')
  const transfer = (fields.get('content-transfer-encoding') ?? '8bit').toLowerCase()
  if (head === '' && blank !== start) return { content: err('malformed'), optional }
  if (!['7bit', '8bit', 'binary'].includes(transfer)) return { content: err('encoding'), optional }
  // A part without a type is text/plain (RFC 2046 §5.1).
  const media = parseContentType(fields.get('content-type') ?? 'text/plain')
  const content = media.ok ? readText(media.value, body.subarray(blank + 4, end)) : err('malformed' as const)
  return { content, optional }
}
