import type { Policy, PolicyFlags } from './model.ts'

export const GLOBAL_POLICY = 'global'
const SITE = 'site:'

export type PolicyScope =
  | { readonly kind: 'global' }
  /** Applies by itself to every user of the site. */
  | { readonly kind: 'site'; readonly site: string }
  /** Applies to the users it is granted to. */
  | { readonly kind: 'named' }

export const scopeOf = (name: string): PolicyScope =>
  name === GLOBAL_POLICY
    ? { kind: 'global' }
    : name.startsWith(SITE)
      ? { kind: 'site', site: name.slice(SITE.length) }
      : { kind: 'named' }

/** What a policy starts with, and what a suspended one comes to. */
export const NO_FLAGS: PolicyFlags = Object.freeze({ federation: false, publicIm: false, xmpp: false })

/** The policy that holds for a user. `name` is undefined where none applies; the flags are then all false. */
export interface EffectivePolicy {
  readonly name: string | undefined
  readonly flags: PolicyFlags
}

const NONE: EffectivePolicy = Object.freeze({ name: undefined, flags: NO_FLAGS })

/**
 * User → site → global: the first that exists replaces the others whole, flags are never merged. A user without a row
 * gets the global one. Undefined: there are no policies at all, so the question is not asked.
 */
export function effectivePolicy(
  user: { readonly site: string | undefined; readonly policy: string | undefined } | undefined,
  policies: ReadonlyMap<string, Policy>,
): EffectivePolicy | undefined {
  if (policies.size === 0) return undefined
  const winner =
    (user?.policy === undefined ? undefined : policies.get(user.policy)) ??
    (user?.site === undefined ? undefined : policies.get(SITE + user.site)) ??
    policies.get(GLOBAL_POLICY)
  if (winner === undefined) return NONE
  return { name: winner.name, flags: winner.suspended ? NO_FLAGS : winner.flags }
}
