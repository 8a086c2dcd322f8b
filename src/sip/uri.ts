/** Parameters in their order: `[name in lower case, value as on the wire, or undefined for a flag]`. */
export type Params = readonly (readonly [name: string, value: string | undefined])[]

/** RFC 3261 §19.1. Text is as on the wire (escapes kept), so that writing it back changes nothing. */
export interface SipUri {
  readonly scheme: 'sip' | 'sips'
  /** Escaped user part; undefined where there is none. `userOf` decodes it. */
  readonly user: string | undefined
  readonly password: string | undefined
  /** Lower case; an IPv6 reference keeps its brackets. */
  readonly host: string
  readonly port: number | undefined
  readonly params: Params
  /** What follows `?`, unparsed; never turned into real headers. */
  readonly headers: string | undefined
}

/** RFC 3860 `im:`, RFC 3859 `pres:`. */
export interface ImUri {
  readonly scheme: 'im' | 'pres'
  readonly user: string
  readonly host: string
}

/** RFC 3966. */
export interface TelUri {
  readonly scheme: 'tel'
  readonly number: string
  readonly params: Params
}

/** A well-formed URI (RFC 3986) of a scheme we do not handle. */
export interface OtherUri {
  readonly scheme: 'other'
  readonly text: string
}

export type Uri = SipUri | ImUri | TelUri | OtherUri
