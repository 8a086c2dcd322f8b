import { textOfAddress } from '../../federation/address.ts'
import type { User } from '../../federation/model.ts'
import { scopeOf } from '../../federation/policies.ts'
import { ok } from '../../kernel/result.ts'
import { userAddress } from '../names.ts'
import { type Answer, refuse } from '../problem.ts'
import type { SpecOf } from '../requests.ts'
import type { Mutation } from '../store.ts'
import { find, findOne, quoted } from './find.ts'
import { fileOwned } from './owned.ts'
import type { Plan, Scene } from './plan.ts'

/** Gives users a policy of their own, or takes it away. */
export async function planGrant(
  scene: Scene,
  spec: SpecOf<'grant'> | SpecOf<'revoke'>,
): Promise<Answer<Plan>> {
  const policy = await findOne(scene, { object: 'policy', name: spec.policy })
  if (!policy.ok) return policy
  const { name } = policy.value
  if (scopeOf(name).kind !== 'named') {
    return refuse(
      'not-possible',
      `policy "${name}" applies by itself and cannot be granted`,
      scopeOf(name).kind === 'site'
        ? 'give the user the site: dragoman user set ADDRESS --site NAME'
        : 'it holds for every user without a policy of its own or of its site',
    )
  }
  const mutations: Mutation[] = []
  const idle: string[] = []
  for (const text of spec.users) {
    const address = userAddress(text)
    if (!address.ok) return address
    const key = textOfAddress(address.value)
    const [found] = await find(scene, { object: 'user', name: key })
    if (found === undefined) {
      return refuse(
        'not-found',
        `there is no user "${key}"`,
        `add it with: dragoman user add ${quoted(key)} --policy ${quoted(name)}`,
      )
    }
    if (found.owner === 'file') return fileOwned(scene.view, found)
    const user = found.row as User
    const granted = user.policy === name
    if (granted === (spec.do === 'grant')) {
      idle.push(key)
      continue
    }
    mutations.push({
      do: 'put',
      list: 'users',
      row: { ...user, policy: spec.do === 'grant' ? name : undefined },
    })
  }
  const whom = idle.join(', ')
  const said =
    spec.do === 'grant'
      ? `policy "${name}" is granted to ${whom} already`
      : `policy "${name}" is not granted to ${whom}`
  return ok({ mutations, nothing: idle.length === 0 ? undefined : said })
}
