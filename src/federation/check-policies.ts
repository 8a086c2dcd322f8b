import { textOfAddress } from './address.ts'
import { type Conflict, conflict, rowRef, type Warning, warning } from './conflicts.ts'
import { GLOBAL_POLICY, scopeOf } from './policies.ts'
import type { FederationInput } from './snapshot.ts'

/** A granted policy exists and is one that can be granted; the name of a site's policy names the site. */
export function checkPolicies(input: FederationInput): Conflict[] {
  const found: Conflict[] = []
  const grantable = input.policies.map((row) => row.name).filter((name) => scopeOf(name).kind === 'named')
  const known = new Set(grantable)
  input.policies.forEach((row, index) => {
    const scope = scopeOf(row.name)
    if (scope.kind !== 'site' || scope.site.trim() !== '') return
    found.push(
      conflict(
        'policy-not-grantable',
        [rowRef('policies', index, row.name, 'name')],
        `policy "${row.name}" names no site`,
        'write site:NAME with the site of its users, or another name',
      ),
    )
  })
  input.users.forEach((row, index) => {
    if (row.policy === undefined || known.has(row.policy)) return
    const name = textOfAddress(row.address)
    const scoped = scopeOf(row.policy).kind !== 'named'
    found.push(
      conflict(
        scoped ? 'policy-not-grantable' : 'unknown-policy',
        [rowRef('users', index, name, 'policy')],
        scoped
          ? `user "${name}" is granted the policy "${row.policy}", which applies by itself and cannot be granted`
          : `user "${name}" is granted the policy "${row.policy}", which does not exist`,
        grantable.length === 0
          ? 'add a policy with a name of its own, or take the grant away'
          : `grant one of ${grantable.slice(0, 8).join(', ')}, add a policy of that name, or take the grant away`,
      ),
    )
  })
  return found
}

/** Once there is a policy, who has none is granted nothing. */
export function warnOfPolicies(input: FederationInput): Warning[] {
  if (input.policies.length === 0 || input.policies.some((row) => row.name === GLOBAL_POLICY)) return []
  const [first] = input.policies
  return first === undefined
    ? []
    : [
        warning(
          'no-global-policy',
          [rowRef('policies', 0, first.name)],
          'there are policies but no global one: users without a policy of their own or of their site may not federate',
          `add a policy named ${GLOBAL_POLICY}`,
        ),
      ]
}
