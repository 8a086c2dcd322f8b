import type { XmlLimits } from '../../xmpp/xml/limits.ts'

/** What the presence of one contact may take. */
export interface PresenceLimits {
  /** A document from SIP: `stanzaBytes` octets; more is refused. */
  readonly document: XmlLimits
  /** Resources or tuples of one contact: a document with more is refused; of an XMPP user the oldest is forgotten. */
  readonly resources: number
  /** Texts in different languages; more are left out. */
  readonly texts: number
  /** UTF-16 units of one text; more are cut off. */
  readonly textLength: number
}

export const DEFAULT_PRESENCE_LIMITS: PresenceLimits = {
  document: { stanzaBytes: 65_536, depth: 16, attributes: 32 },
  resources: 32,
  texts: 8,
  textLength: 1024,
}
