import type { Domain } from '../kernel/domain.ts'
import { linkOf, providerOf, s2sLinksOf } from './lookup.ts'
import type { ComponentLink, Home, S2sLink, SipProvider, XmppProvider } from './model.ts'
import type { Snapshot } from './snapshot.ts'

export type Route =
  | { readonly kind: 'home'; readonly home: Home }
  /** `provider` is undefined for a domain without one that the link's `remote` holds. */
  | { readonly kind: 'component'; readonly link: ComponentLink; readonly provider: XmppProvider | undefined }
  | { readonly kind: 's2s'; readonly link: S2sLink; readonly provider: XmppProvider | undefined }
  | { readonly kind: 'sip'; readonly provider: SipProvider }
  /** Find it by DNS: S2S (SRV) before SIP (NAPTR, SRV). */
  | { readonly kind: 'discover'; readonly domain: Domain }
  | {
      readonly kind: 'none'
      readonly reason: 'transit' | 'both-served' | 'unknown-domain' | 'no-home' | 'no-link'
    }

const none = (reason: (Route & { kind: 'none' })['reason']): Route => ({ kind: 'none', reason })

/**
 * Where a request from one domain to another goes; says nothing of whether it may (`decide` does). What comes from a
 * served domain never goes back to a home.
 * @param userHome the recipient's own home server, where it has one (`Subject.home`)
 */
export function route(snapshot: Snapshot, from: Domain, to: Domain, userHome?: string): Route {
  const outbound = snapshot.servedDomains.has(from)
  const served = snapshot.servedDomains.get(to)
  if (served !== undefined) {
    if (outbound) return none('both-served')
    const home = snapshot.homes.get(userHome ?? served.home)
    return home === undefined ? none('no-home') : { kind: 'home', home }
  }
  if (!outbound) return none('transit')

  const provider = providerOf(snapshot, to)
  if (provider?.protocol === 'sip') return { kind: 'sip', provider }
  const link = linkOf(snapshot, from, to, provider)
  if (link?.kind === 'component') return { kind: 'component', link, provider }
  if (link?.kind === 's2s') return { kind: 's2s', link, provider }
  if (provider !== undefined) return none('no-link')
  if (snapshot.federation.openDiscovery.enabled) return { kind: 'discover', domain: to }
  // An allowed domain may speak to us over S2S: it is answered in the same way.
  const own = snapshot.servedDomains.get(from)
  const [s2s] = own !== undefined && snapshot.allowed.get(to) !== undefined ? s2sLinksOf(snapshot, own) : []
  return s2s === undefined ? none('unknown-domain') : { kind: 's2s', link: s2s, provider }
}
