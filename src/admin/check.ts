import { textOfAddress } from '../federation/address.ts'
import type { Conflict, Warning } from '../federation/conflicts.ts'
import { snapshotFrom } from '../federation/from-sources.ts'
import { withoutStoresRow } from '../federation/merge.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { SourceRows, StoreRows } from '../federation/sources.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { inTurns } from '../kernel/turns.ts'
import { withUses } from './in-use.ts'
import { type AdminProblem, problem } from './problem.ts'
import type { Mutation, Resulting } from './store.ts'

interface Known {
  readonly file: SourceRows
  readonly snapshot: Result<Snapshot, readonly Conflict[]>
}

/** Every command begins with a look at the status, and the rows are seldom others. */
const known = new WeakMap<StoreRows, Known>()

export async function snapshotOf(
  file: SourceRows,
  store: StoreRows,
): Promise<Result<Snapshot, readonly Conflict[]>> {
  const last = known.get(store)
  if (last?.file === file) return last.snapshot
  const snapshot = await inTurns(snapshotFrom(file, store))
  known.set(store, { file, snapshot })
  return snapshot
}

export interface Checked {
  readonly file: SourceRows
  /** The path of the file, for people. */
  readonly fileName: string
  /** The store as it was. */
  readonly before: StoreRows
  readonly mutations: readonly Mutation[]
}

/** Whether the result of a change can stand, with what a person should look at all the same. */
export async function checkResult(
  { file, fileName, before, mutations }: Checked,
  after: Resulting,
): Promise<Result<readonly Warning[], AdminProblem>> {
  const { rows: store, bereaved } = after
  const snapshot = await snapshotOf(file, store)
  if (snapshot.ok && bereaved.length === 0) return ok(warningsOf(snapshot.value, mutations))
  if (bereaved.length === 0 && (await mends(file, before, mutations))) return ok([])
  const added = new Set(
    mutations.flatMap((each) =>
      each.do === 'put' && each.expected === 'absent' && 'name' in each.row
        ? [`${each.list} ${each.row.name}`]
        : [],
    ),
  )
  const isAdded = ({ rows }: Conflict): boolean => rows.some(({ list, name }) => added.has(`${list} ${name}`))
  const found = snapshot.ok
    ? []
    : snapshot.error.map((each) => (isAdded(each) ? withoutStoresRow(each) : each))
  return err(conflictProblem(withUses(found, { file, fileName, store, bereaved }, mutations)))
}

/**
 * Rows that cannot stand already, after an edit of the file, must not keep a person from taking one of them away; what
 * is in force stays until they can.
 */
const mends = async (file: SourceRows, before: StoreRows, mutations: readonly Mutation[]): Promise<boolean> =>
  mutations.every(({ do: verb }) => verb !== 'put' && verb !== 'put-contact' && verb !== 'set') &&
  !(await snapshotOf(file, before)).ok

export function conflictProblem(conflicts: readonly Conflict[]): AdminProblem {
  const [first] = conflicts
  const more = conflicts.length > 1 ? ` (and ${conflicts.length - 1} more)` : ''
  return {
    ...problem('conflict', `${first?.message ?? 'the rows cannot stand together'}${more}`, first?.cure ?? ''),
    conflicts,
  }
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
