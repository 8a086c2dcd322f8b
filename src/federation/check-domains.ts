import { type Domain, isWithin } from '../kernel/domain.ts'
import type { Steps } from '../kernel/turns.ts'
import { type Conflict, conflict, NOUN, type RowRef, rowRef } from './conflicts.ts'
import { type DomainPattern, textOfPattern } from './domain-pattern.ts'
import type { Provider } from './model.ts'
import { PatternIndex } from './pattern-index.ts'
import type { FederationInput } from './snapshot.ts'

/** Whose a domain is, and whether it may speak at all: one answer for each. */
export function* checkDomains(input: FederationInput): Steps<readonly Conflict[]> {
  const known = checked.get(input)
  if (known !== undefined) return known
  const owners = ownersOf(input)
  const index = new PatternIndex<Owner>()
  for (const owner of owners) index.add(owner.pattern, owner)
  yield
  const found = [...checkOwners(owners, index), ...checkServed(input, index)]
  yield
  found.push(...checkAccessEdges(input))
  yield
  found.push(...checkDomainLists(input))
  yield
  checked.set(input, found)
  return found
}

/** The same rows are asked about when sources are put together, and when the snapshot is made of the result. */
const checked = new WeakMap<FederationInput, readonly Conflict[]>()

interface Owner {
  readonly provider: Provider
  readonly index: number
  readonly at: number
  readonly pattern: DomainPattern
}

const ownersOf = (input: FederationInput): Owner[] =>
  input.providers.flatMap((provider, index) =>
    provider.domains.map((pattern, at) => ({ provider, index, at, pattern })),
  )

const place = (owner: Owner): RowRef =>
  rowRef('providers', owner.index, owner.provider.name, `domains[${owner.at}]`)

/** Two matches for one domain are an error: there is no "more specific" owner. */
function checkOwners(owners: readonly Owner[], index: PatternIndex<Owner>): Conflict[] {
  const found: Conflict[] = []
  for (const owner of owners) {
    const other = index.covering(owner.pattern)
    const wider = other?.index === owner.index ? index.above(owner.pattern) : other
    if (wider === undefined || wider.index === owner.index) continue
    found.push(
      conflict(
        'domain-owned-twice',
        [place(owner), place(wider)],
        `${textOfPattern(owner.pattern)} belongs to provider "${owner.provider.name}" and, as ${textOfPattern(wider.pattern)}, to provider "${wider.provider.name}"`,
        'a domain has one owner: take it from one of the two providers',
      ),
    )
  }
  return found
}

function checkServed(input: FederationInput, owners: PatternIndex<Owner>): Conflict[] {
  const found: Conflict[] = []
  input.servedDomains.forEach((row, index) => {
    const owner = owners.get(row.name)
    if (owner === undefined) return
    found.push(
      conflict(
        'served-and-remote',
        [place(owner), rowRef('servedDomains', index, row.name)],
        `${row.name} is a served domain, and ${textOfPattern(owner.pattern)} belongs to provider "${owner.provider.name}"`,
        'a domain is ours or theirs: take it from one of the two rows',
      ),
    )
  })
  return found
}

function checkAccessEdges(input: FederationInput): Conflict[] {
  const found: Conflict[] = []
  const edges = new Map<string, { readonly index: number; readonly name: string; readonly at: number }>()
  input.providers.forEach((row, index) => {
    if (row.protocol !== 'sip') return
    row.accessEdges.forEach((edge, at) => {
      const first = edges.get(edge)
      if (first === undefined) {
        edges.set(edge, { index, name: row.name, at })
        return
      }
      found.push(
        conflict(
          'access-edge-used-twice',
          [
            rowRef('providers', index, row.name, `accessEdges[${at}]`),
            rowRef('providers', first.index, first.name, `accessEdges[${first.at}]`),
          ],
          `access edge ${edge} is listed by provider "${row.name}" and by provider "${first.name}"`,
          'an access edge proves one provider: take it from one of the two',
        ),
      )
    })
  })
  return found
}

function checkDomainLists(input: FederationInput): Conflict[] {
  const found: Conflict[] = []
  const blocked = new PatternIndex<{ readonly index: number; readonly name: Domain }>()
  input.blockedDomains.forEach((row, index) => {
    blocked.addCovering(row.name, { index, name: row.name })
  })
  const served = new Map(input.servedDomains.map((row, index) => [row.name, index]))
  input.allowedDomains.forEach((row, index) => {
    const block = blocked.get(row.name)
    if (block !== undefined) {
      found.push(
        conflict(
          'allowed-and-blocked',
          [rowRef('allowedDomains', index, row.name), rowRef('blockedDomains', block.index, block.name)],
          isWithin(row.name, block.name) && row.name !== block.name
            ? `${row.name} is allowed, but ${block.name}, which covers it, is blocked: the row can never act`
            : `${row.name} is both allowed and blocked`,
          'blocked wins over everything: take the domain off one of the two lists',
        ),
      )
    }
  })
  for (const list of ['allowedDomains', 'blockedDomains'] as const) {
    input[list].forEach((row, index) => {
      const at = served.get(row.name)
      if (at === undefined) return
      found.push(
        conflict(
          'served-and-remote',
          [rowRef(list, index, row.name), rowRef('servedDomains', at, row.name)],
          `${row.name} is a served domain, and ${NOUN[list]}s are for the other side`,
          'a domain is ours or theirs: take it from one of the two lists',
        ),
      )
    })
  }
  return found
}
