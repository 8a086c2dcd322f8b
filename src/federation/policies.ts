import type { Policy, PolicyFlags } from './model.ts'
import { pass, refuse } from './step.ts'
import type { Step } from './verdict.ts'

export const GLOBAL_POLICY = 'global'
export const SITE_PREFIX = 'site:'

export type PolicyScope =
  | { readonly kind: 'global' }
  /** Applies by itself to every user of the site. */
  | { readonly kind: 'site'; readonly site: string }
  /** Applies to the users it is granted to. */
  | { readonly kind: 'named' }

export const scopeOf = (name: string): PolicyScope =>
  name === GLOBAL_POLICY
    ? { kind: 'global' }
    : name.startsWith(SITE_PREFIX)
      ? { kind: 'site', site: name.slice(SITE_PREFIX.length) }
      : { kind: 'named' }

export const POLICY_FLAGS = [
  'federation',
  'publicIm',
  'xmpp',
] as const satisfies readonly (keyof PolicyFlags)[]

/** What a policy starts with, and what a suspended one comes to. */
export const NO_FLAGS: PolicyFlags = Object.freeze({ federation: false, publicIm: false, xmpp: false })

/** A policy as the step `policy` asks it: its answers are made once for each row. */
export interface Grant {
  /** Undefined: no policy applies, so nothing is granted. */
  readonly name: string | undefined
  readonly flags: PolicyFlags
  readonly granted: Step
  readonly denied: Readonly<Record<keyof PolicyFlags, Step>>
}

const grant = (name: string | undefined, flags: PolicyFlags, who: string): Grant => {
  const denied = (flag: keyof PolicyFlags): Step =>
    refuse('policy-denies', `${who} does not grant ${flag}, which the remote side needs`)
  return Object.freeze({
    name,
    flags,
    granted: pass('policy', `${who} grants what the remote side needs`),
    denied: Object.freeze({
      federation: denied('federation'),
      publicIm: denied('publicIm'),
      xmpp: denied('xmpp'),
    }),
  })
}

export const grantOf = (policy: Policy): Grant =>
  policy.suspended
    ? grant(policy.name, NO_FLAGS, `policy "${policy.name}", which is suspended,`)
    : grant(policy.name, policy.flags, `policy "${policy.name}"`)

const NO_POLICY = grant(undefined, NO_FLAGS, 'no policy applies to the user: the default')

/**
 * User → site → global: the first that exists replaces the others whole, flags are never merged. A user without a row
 * gets the global one. Undefined: there are no policies at all, and the question is not asked.
 */
export function effectivePolicy(
  user: { readonly site: string | undefined; readonly policy: string | undefined } | undefined,
  policies: ReadonlyMap<string, Grant>,
): Grant | undefined {
  if (policies.size === 0) return undefined
  return (
    (user?.policy === undefined ? undefined : policies.get(user.policy)) ??
    (user?.site === undefined ? undefined : policies.get(SITE_PREFIX + user.site)) ??
    policies.get(GLOBAL_POLICY) ??
    NO_POLICY
  )
}
