import type { LangText } from './lang-text.ts'

export const PIDF_TYPE = 'application/pidf+xml'

/** RFC 3863 */
export const PIDF = 'urn:ietf:params:xml:ns:pidf'
/** RFC 4479 */
export const DATA_MODEL = 'urn:ietf:params:xml:ns:pidf:data-model'
/** RFC 4480 */
export const RPID = 'urn:ietf:params:xml:ns:pidf:rpid'
/** RFC 4482 */
export const CIPID = 'urn:ietf:params:xml:ns:pidf:cipid'
/** RFC 8048 table 1, note 7: `show` within `status`. */
export const CLIENT = 'jabber:client'

/** A presence document (RFC 3863), with what RFC 4479, RFC 4480 and RFC 4482 add and we understand. */
export interface Pidf {
  /** The URI of the presentity; undefined where the document has none, against §4.1.1. */
  readonly entity: string | undefined
  readonly tuples: readonly Tuple[]
  /** Notes on the presentity. */
  readonly notes: readonly LangText[]
  readonly person: Person | undefined
}

export interface Tuple {
  /** Empty where the document has none, against §4.1.2. */
  readonly id: string
  readonly basic: 'open' | 'closed' | undefined
  readonly show: string | undefined
  readonly input: UserInput | undefined
  /** As in XEP-0153: SHA-1 in hexadecimal; empty: there is no avatar. */
  readonly avatar: string | undefined
  readonly contact: Contact | undefined
  readonly notes: readonly LangText[]
  /** Milliseconds since 1970. */
  readonly timestamp: number | undefined
}

export interface Contact {
  readonly uri: string
  /** Thousandths, 0 to 1000. */
  readonly priority: number | undefined
}

export interface Person {
  readonly activities: RpidList | undefined
  readonly mood: RpidList | undefined
  readonly input: UserInput | undefined
  /** CIPID `display-name`. */
  readonly name: string | undefined
  readonly notes: readonly LangText[]
  /** Milliseconds since 1970. */
  readonly timestamp: number | undefined
}

/** RFC 4480 §3.2, §3.5: values of the list, one in free text, and notes about them. */
export interface RpidList {
  readonly values: readonly string[]
  readonly other: LangText | undefined
  readonly notes: readonly LangText[]
}

/** RFC 4480 §3.14. */
export interface UserInput {
  readonly idle: boolean
  /** Milliseconds since 1970. */
  readonly last: number | undefined
}
