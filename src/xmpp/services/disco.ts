import { type Element, xml } from '../xml/element.ts'

export const DISCO_INFO = 'http://jabber.org/protocol/disco#info'
export const DISCO_ITEMS = 'http://jabber.org/protocol/disco#items'

export interface Identity {
  readonly category: string
  readonly type: string
  /** xml:lang of the name. */
  readonly lang?: string
  readonly name?: string
}

/** What somebody is and can (XEP-0030 §3.1): at least one identity, none twice, and no feature twice. */
export interface DiscoInfo {
  readonly identities: readonly Identity[]
  readonly features: readonly string[]
}

/** @param node as it was asked for: an answer mirrors it (§3.2) */
export const infoElement = ({ identities, features }: DiscoInfo, node?: string): Element =>
  xml(
    'query',
    { xmlns: DISCO_INFO, node },
    ...identities.map(({ lang, ...identity }) => xml('identity', { ...identity, 'xml:lang': lang })),
    ...features.map((feature) => xml('feature', { var: feature })),
  )
