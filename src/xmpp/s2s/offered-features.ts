import { childOf } from '../stanza.ts'
import { type Element, xml } from '../xml/element.ts'
import { STREAMS } from '../xml/reader.ts'
import { DIALBACK_FEATURE } from './dialback.ts'
import { BIDI_FEATURE, SASL, TLS } from './stream-features.ts'
import { STREAM_MANAGEMENT } from './stream-management.ts'

/** What a receiving server offers (RFC 6120 §4.3.2), as far as it matters between servers. */
export interface OfferedFeatures {
  readonly starttls: 'absent' | 'offered' | 'required'
  /** Of SASL. */
  readonly external: boolean
  readonly dialback: boolean
  /** It knows dialback errors (XEP-0220 §2.4.2). */
  readonly errors: boolean
  /** XEP-0288. */
  readonly bidi: boolean
  /** XEP-0198. */
  readonly management: boolean
}

/** Of a peer that knows none. */
export const NO_FEATURES: OfferedFeatures = {
  starttls: 'absent',
  external: false,
  dialback: false,
  errors: false,
  bidi: false,
  management: false,
}

/** `<stream:features/>`; undefined: it is something else. */
export function readFeatures(element: Element): OfferedFeatures | undefined {
  if (element.getName() !== 'features' || element.getNS() !== STREAMS) return undefined
  const starttls = childOf(element, 'starttls', TLS)
  const required = starttls !== undefined && childOf(starttls, 'required', TLS) !== undefined
  const dialback = childOf(element, 'dialback', DIALBACK_FEATURE)
  return {
    starttls: starttls === undefined ? 'absent' : required ? 'required' : 'offered',
    external: mechanismsOf(element).includes('EXTERNAL'),
    dialback: dialback !== undefined,
    errors: dialback !== undefined && childOf(dialback, 'errors', DIALBACK_FEATURE) !== undefined,
    bidi: childOf(element, 'bidi', BIDI_FEATURE) !== undefined,
    management: childOf(element, 'sm', STREAM_MANAGEMENT) !== undefined,
  }
}

const mechanismsOf = (features: Element): readonly string[] =>
  (childOf(features, 'mechanisms', SASL)?.getChildElements() ?? [])
    .filter((child) => child.getName() === 'mechanism')
    .map((child) => child.text().trim())

/**
 * SASL EXTERNAL on behalf of a domain. The authorization identity says what the header says already, and is for older
 * peers that want it (XEP-0178 §3).
 */
export const authElement = (own: string): Element =>
  xml('auth', { xmlns: SASL, mechanism: 'EXTERNAL' }, Buffer.from(own, 'utf8').toString('base64'))
