import { type Element, xml } from '../xml/element.ts'
import { STREAMS } from '../xml/reader.ts'
import { DIALBACK_FEATURE } from './dialback.ts'
import { STREAM_MANAGEMENT } from './stream-management.ts'

export const TLS = 'urn:ietf:params:xml:ns:xmpp-tls'
export const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
export const BIDI = 'urn:xmpp:bidi'
export const BIDI_FEATURE = 'urn:xmpp:features:bidi'

export interface Features {
  readonly starttls: 'no' | 'offered' | 'required'
  readonly external: boolean
  /** With errors (XEP-0220 §2.4.2). */
  readonly dialback: boolean
  readonly bidi: boolean
  /** XEP-0198 §3, without resumption. */
  readonly managed: boolean
}

/** Stream features of ours (RFC 6120 §4.3.2). */
export function featuresOf({ starttls, external, dialback, bidi, managed }: Features): Element {
  const required = starttls === 'required' ? [xml('required')] : []
  return xml(
    'stream:features',
    { 'xmlns:stream': STREAMS },
    starttls === 'no' ? undefined : xml('starttls', { xmlns: TLS }, ...required),
    external ? xml('mechanisms', { xmlns: SASL }, xml('mechanism', {}, 'EXTERNAL')) : undefined,
    dialback ? xml('dialback', { xmlns: DIALBACK_FEATURE }, xml('errors')) : undefined,
    bidi ? xml('bidi', { xmlns: BIDI_FEATURE }) : undefined,
    managed ? xml('sm', { xmlns: STREAM_MANAGEMENT }) : undefined,
  )
}
