import type {
  AllowedDomain,
  FederationSwitches,
  Level,
  PeerLimits,
  PolicyFlags,
  Protocol,
  Provider,
  ProviderType,
} from './model.ts'
import { UNLIMITED } from './settings.ts'
import { pass, refuse } from './step.ts'
import type { Step } from './verdict.ts'

/** What a provider of this kind needs, as a switch of the federation and as a flag of the user's policy. */
export const NEEDS = {
  partner: { sip: ['federation'], xmpp: ['xmpp'] },
  hosted: { sip: ['federation'], xmpp: ['xmpp'] },
  public: { sip: ['publicIm'], xmpp: ['xmpp', 'publicIm'] },
} as const satisfies Record<ProviderType, Record<Protocol, readonly (keyof PolicyFlags)[]>>

/** Where a remote domain stands with us: the answer of the step `provider`, made once for each row. */
export interface Standing {
  /** Undefined: an allowed or a discovered domain. */
  readonly provider: Provider | undefined
  readonly level: Level | undefined
  readonly limits: PeerLimits
  readonly step: Step
}

export function standingOfProvider(provider: Provider): Standing {
  const who = `${provider.name} (${provider.type}, ${provider.protocol})`
  const step = provider.suspended
    ? refuse('suspended', `${who} is suspended`)
    : provider.enabled
      ? pass('provider', `${who} is enabled`)
      : refuse('provider-disabled', `${who} is disabled`)
  return { provider, level: provider.verification, limits: provider.limits, step }
}

export function standingOfAllowed(row: AllowedDomain): Standing {
  const step = row.suspended
    ? refuse('suspended', `allowed domain ${row.name} is suspended`)
    : pass('provider', `no provider; ${row.name} is an allowed domain`)
  return { provider: undefined, level: row.verification, limits: UNLIMITED, step }
}

export const standingOfUnknown = (federation: FederationSwitches): Standing =>
  federation.openDiscovery.enabled
    ? {
        provider: undefined,
        level: federation.openDiscovery.verification,
        limits: federation.openDiscovery.limits,
        step: pass('provider', 'no provider and not an allowed domain; open discovery is on'),
      }
    : {
        provider: undefined,
        level: undefined,
        limits: federation.openDiscovery.limits,
        step: refuse('domain-unknown', 'no provider, not an allowed domain, and open discovery is off'),
      }
