/** What one stream may ask of us; checked while bytes arrive. */
export interface XmlLimits {
  /** Octets of one stanza (RFC 6120 §13.12: at least 10,000). */
  readonly stanzaBytes: number
  /** Elements within each other, the stanza being the first. */
  readonly depth: number
  /** Attributes of one element, namespace declarations included. */
  readonly attributes: number
}

export const DEFAULT_XML_LIMITS: XmlLimits = { stanzaBytes: 1_048_576, depth: 64, attributes: 64 }
