import type { Domain } from '../kernel/domain.ts'
import type { ComponentLink, Home, S2sLink, SipProvider, XmppProvider } from './model.ts'
import type { Snapshot } from './snapshot.ts'

export type Route =
  | { readonly kind: 'home'; readonly home: Home }
  /** `provider` is undefined for an allowed domain that a link's `remote` names. */
  | { readonly kind: 'component'; readonly link: ComponentLink; readonly provider: XmppProvider | undefined }
  | { readonly kind: 's2s'; readonly link: S2sLink; readonly provider: XmppProvider | undefined }
  | { readonly kind: 'sip'; readonly provider: SipProvider }
  /** Find it by DNS: S2S (SRV) before SIP (NAPTR, SRV). */
  | { readonly kind: 'discover'; readonly domain: Domain }
  | { readonly kind: 'none'; readonly reason: 'transit' | 'both-served' | 'unknown-domain' | 'no-link' }

/**
 * Where a request from one domain to another goes; says nothing of whether it may (`decide` does).
 * @param userHome the served user's own home server, where it has one (`Subject.home`)
 */
export function route(_snapshot: Snapshot, _from: Domain, _to: Domain, _userHome?: string): Route {
  throw new Error('not built')
}
