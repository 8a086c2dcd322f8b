import { type Address, textOfAddress } from '../federation/address.ts'
import type { User } from '../federation/model.ts'
import { ok } from '../kernel/result.ts'
import type { Listing } from './admin.ts'
import { domainName, userAddress } from './names.ts'
import { listsOf } from './objects.ts'
import type { Scene } from './plan/plan.ts'
import type { Answer } from './problem.ts'
import type { CheckedRequest } from './requests.ts'
import type { UserQuery } from './store.ts'
import { entryOf, type Found, rowsOf, suspensionOf } from './view.ts'

type Request = CheckedRequest<'list'>

/** Rows in the order of their names, a page at a time. */
export async function listRows(scene: Scene, request: Request): Promise<Answer<Listing>> {
  if (request.object === 'user') return await listUsers(scene, request)
  const found = listsOf(request.object, request.kind)
    .flatMap((list) => rowsOf(scene.view, list))
    .filter((row) => fits(scene, row, request))
    .sort(byName)
  const rest = request.after === undefined ? found : found.filter(({ name }) => name > (request.after ?? ''))
  return ok(pageOf(scene, rest, request.limit, rest.length > request.limit))
}

const byName = (a: Found, b: Found): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)

function pageOf(scene: Scene, found: readonly Found[], limit: number, more: boolean): Listing {
  const page = found.slice(0, limit)
  return {
    rows: page.map((row) => entryOf(scene.view, scene.forms, row)),
    next: more ? page.at(-1)?.name : undefined,
  }
}

function fits({ view }: Scene, { list, name, owner, row }: Found, request: Request): boolean {
  const { containing, enabled, suspended } = request
  if (request.owner !== undefined && request.owner !== owner) return false
  if (containing !== undefined && !name.toLowerCase().includes(containing.toLowerCase())) return false
  if (enabled !== undefined && 'enabled' in row && row.enabled !== enabled) return false
  return suspended === undefined || (suspensionOf(view, list, name) !== undefined) === suspended
}

/** The file's users and a page of the store's become one page. */
async function listUsers(scene: Scene, request: Request): Promise<Answer<Listing>> {
  const query = queryOf(request)
  if (!query.ok) return query
  const { after, domain, home, site, policy } = query.value
  const from = after === undefined ? '' : textOfAddress(after)
  const inFile = rowsOf(scene.view, 'users').filter((found) => {
    const user = found.row as User
    return (
      found.owner === 'file' &&
      found.name > from &&
      (domain === undefined || user.address.domain === domain) &&
      (home === undefined || user.home === home) &&
      (site === undefined || user.site === site) &&
      (policy === undefined || user.policy === policy) &&
      fits(scene, found, request)
    )
  })
  const stored: Found[] = []
  let cursor: Address | undefined = after
  let more = scene.store !== undefined && request.owner !== 'file' && request.owner !== 'shipped'
  while (more && stored.length <= request.limit) {
    const page = await scene.store?.users({ ...query.value, after: cursor })
    for (const row of page?.rows ?? []) {
      const found: Found = {
        list: 'users',
        name: textOfAddress(row.address),
        owner: 'store',
        row,
        secret: undefined,
        revision: undefined,
      }
      if (fits(scene, found, request)) stored.push(found)
    }
    cursor = page?.next
    more = cursor !== undefined
  }
  const all = [...inFile, ...stored].sort(byName)
  return ok(pageOf(scene, all, request.limit, all.length > request.limit || more))
}

function queryOf(request: Request): Answer<UserQuery> {
  const after = request.after === undefined ? undefined : userAddress(request.after)
  if (after !== undefined && !after.ok) return after
  const domain = request.domain === undefined ? undefined : domainName(request.domain)
  if (domain !== undefined && !domain.ok) return domain
  const { limit, containing, home, site, policy, enabled } = request
  return ok({ limit, after: after?.value, domain: domain?.value, containing, home, site, policy, enabled })
}
