import { type Domain, unicodeOf } from '../../kernel/domain.ts'
import { STREAMS } from '../xml/reader.ts'
import type { StreamError } from '../xml/stream-error.ts'
import { escapeAttribute, escapeText } from '../xml/writer.ts'
import { DIALBACK } from './dialback.ts'

export const SERVER = 'jabber:server'
export const STREAM_ERRORS = 'urn:ietf:params:xml:ns:xmpp-streams'
export const CLOSE = '</stream:stream>'

export interface OwnHeader {
  readonly from: Domain | undefined
  readonly to: Domain | undefined
  /** The receiving server gives one (RFC 6120 §4.7.3). */
  readonly id?: string | undefined
  /** False towards a peer whose own header has none: it knows no features (RFC 6120 §4.7.5). */
  readonly version: boolean
}

/** Our stream header (RFC 6120 §4.7), with the prefix `db` declared for peers that know no features (XEP-0220 §2.4.1). */
export function writeHeader({ from, to, id, version }: OwnHeader): string {
  const attribute = (name: string, value: string | undefined): string =>
    value === undefined ? '' : ` ${name}="${escapeAttribute(value)}"`
  return (
    `<?xml version="1.0"?><stream:stream xmlns="${SERVER}" xmlns:stream="${STREAMS}" xmlns:db="${DIALBACK}"` +
    attribute('id', id) +
    attribute('from', from === undefined ? undefined : unicodeOf(from)) +
    attribute('to', to === undefined ? undefined : unicodeOf(to)) +
    (version ? ' version="1.0" xml:lang="en"' : '') +
    '>'
  )
}

/** Has the peer's header a version of 1.0 or later (RFC 6120 §4.7.5)? */
export const isVersioned = (version: string | undefined): boolean => {
  const major = /^(\d{1,9})\.\d{1,9}$/.exec(version ?? '')?.[1]
  return major !== undefined && Number(major) >= 1
}

/** A stream error and the closing tag (RFC 6120 §4.9). */
export const writeStreamError = ({ condition, text }: StreamError): string =>
  `<stream:error><${condition} xmlns="${STREAM_ERRORS}"/>` +
  `<text xmlns="${STREAM_ERRORS}" xml:lang="en">${escapeText(text)}</text></stream:error>${CLOSE}`
