import type { Mark, Provider } from '../federation/model.ts'
import { canonicalName } from '../sip/header-names.ts'
import type { HeaderField } from '../sip/headers.ts'

/** The header in which a home server reads what we know of a sender ([MS-SIPRE] 2.2.15). */
const MARK_HEADER = canonicalName('ms-edge-proxy-message-trust')

/**
 * What is said among those who trust each other, and so goes neither way: marks of ours, and what only a trusted network
 * asserts of its users, their calls and its own places (RFC 3325 §5 and its kin). `ms-diagnostics-public` is made for the
 * outside, and passes.
 */
const TRUSTED: ReadonlySet<string> = new Set(
  [
    'ms-edge-proxy-message-trust',
    'ms-user-data',
    'ms-asserted-verification-level',
    'ms-diagnostics',
    'P-Asserted-Identity',
    'P-Preferred-Identity',
    'Remote-Party-ID',
    'P-Asserted-Service',
    'P-Served-User',
    'P-Access-Network-Info',
    'P-Charging-Vector',
    'P-Charging-Function-Addresses',
  ].map(canonicalName),
)

/** Header fields that go no further on the way outside. */
export const withheldOutside = (): ReadonlySet<string> => TRUSTED

/** Header fields of a peer that go no further on the way inside; the one in which the provider asserts its users is read before. */
export function withheldInside(provider: Provider | undefined): ReadonlySet<string> {
  const asserting = provider?.protocol === 'sip' ? provider.assertingHeader : undefined
  if (asserting === undefined) return TRUSTED
  let set = withAsserting.get(asserting)
  if (set === undefined) {
    set = new Set([...TRUSTED, canonicalName(asserting)])
    withAsserting.set(asserting, set)
  }
  return set
}

/** By the names that providers are configured with. */
const withAsserting = new Map<string, ReadonlySet<string>>()

/** What is known of the remote side of a request or response on its way inside. */
interface Marked {
  readonly mark: Mark
  /** Undefined: a domain without one. */
  readonly provider: Provider | undefined
}

/** Our mark for the home server. @param edge the name by which we are known */
export function markField({ mark, provider }: Marked, edge: string): HeaderField {
  const network = provider?.type === 'public' ? 'publiccloud' : 'federation'
  return [
    MARK_HEADER,
    `ms-source-type=${sourceType(provider)};ms-ep-fqdn=${edge};ms-source-verified-user=${mark};ms-source-network=${network}`,
  ]
}

/** A partner with an access edge of its own, a service that is configured, or a domain that is merely allowed or was found. */
function sourceType(provider: Provider | undefined): string {
  if (provider === undefined) return 'AutoFederation'
  return provider.type === 'partner' ? 'DirectPartner' : 'AuthorizedServer'
}
