import { textOfAddress } from '../federation/address.ts'
import { type Conflict, NOUN, type Warning } from '../federation/conflicts.ts'
import { mergeSources } from '../federation/merge.ts'
import { buildSnapshot, type Snapshot } from '../federation/snapshot.ts'
import type { SourceRows, StoreRows } from '../federation/sources.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { type AdminProblem, problem } from './problem.ts'
import type { Bereaved, Mutation, Resulting } from './store.ts'

export const snapshotOf = (file: SourceRows, store: StoreRows): Result<Snapshot, readonly Conflict[]> => {
  const merged = mergeSources(file, store)
  return merged.ok ? buildSnapshot(merged.value.input, merged.value.owners) : merged
}

/** Whether the result of a change can stand, with what a person should look at all the same. */
export function checkResult(
  file: SourceRows,
  before: StoreRows,
  mutations: readonly Mutation[],
  after: Resulting,
): Result<readonly Warning[], AdminProblem> {
  const [bereaved] = after.bereaved
  if (bereaved !== undefined) return err(bereavedProblem(bereaved))
  const snapshot = snapshotOf(file, after.rows)
  if (snapshot.ok) return ok(warningsOf(snapshot.value, mutations))
  return mends(file, before, mutations) ? ok([]) : err(conflictProblem(snapshot.error))
}

/**
 * Rows that cannot stand already, after an edit of the file, must not keep a person from taking one of them away; what
 * is in force stays until they can.
 */
const mends = (file: SourceRows, before: StoreRows, mutations: readonly Mutation[]): boolean =>
  mutations.every(({ do: verb }) => verb !== 'put' && verb !== 'put-contact' && verb !== 'set') &&
  !snapshotOf(file, before).ok

export function conflictProblem(conflicts: readonly Conflict[]): AdminProblem {
  const [first] = conflicts
  const more = conflicts.length > 1 ? ` (and ${conflicts.length - 1} more)` : ''
  return {
    ...problem('conflict', `${first?.message ?? 'the rows cannot stand together'}${more}`, first?.cure ?? ''),
    conflicts,
  }
}

const REFER = {
  homes: ['is the home of', 'dragoman user set ADDRESS --home NAME'],
  servedDomains: ['is the domain of', 'dragoman user remove ADDRESS'],
  providers: ['is on the contact lists of', 'dragoman contact remove ADDRESS allow|block provider:NAME'],
  policies: ['is granted to', 'dragoman policy revoke NAME ADDRESS'],
} as const satisfies Record<Bereaved['list'], readonly [string, string]>

function bereavedProblem({ list, name, count, example }: Bereaved): AdminProblem {
  const [refers, command] = REFER[list]
  const users = count === 1 ? 'a user' : `${count} users`
  return problem(
    'conflict',
    `${NOUN[list]} "${name}" ${refers} ${users} (${textOfAddress(example)}${count === 1 ? '' : ', …'})`,
    `change them first: ${command}${list === 'homes' ? '; see them with: dragoman user list --home NAME' : ''}`,
  )
}

/** Those that rest on what was changed; old ones are no news. */
function warningsOf({ warnings }: Snapshot, mutations: readonly Mutation[]): readonly Warning[] {
  const touched = new Set<string>()
  for (const mutation of mutations) {
    if (mutation.do === 'put') {
      const { row, list } = mutation
      touched.add(`${list} ${'name' in row ? row.name : textOfAddress(row.address)}`)
    } else if (mutation.do === 'restore-shipped') touched.add(`providers ${mutation.name}`)
    if ('list' in mutation && mutation.list === 'policies') touched.add('policies')
  }
  return warnings.filter(({ code, rows }) =>
    code === 'no-global-policy'
      ? touched.has('policies')
      : rows.some(({ list, name }) => touched.has(`${list} ${name}`)),
  )
}
