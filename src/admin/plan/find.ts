import { NOUN } from '../../federation/conflicts.ts'
import { nearest } from '../../kernel/nearest.ts'
import { ok } from '../../kernel/result.ts'
import { userAddress } from '../names.ts'
import { type DomainKind, listsOf, type ObjectName } from '../objects.ts'
import { type Answer, refuse } from '../problem.ts'
import type { StoredList } from '../store.ts'
import { type Found, rowsOf, storeRows } from '../view.ts'
import type { Scene } from './plan.ts'

export interface Named {
  readonly object: ObjectName
  /** As `rowName` made it. */
  readonly name: string
  readonly kind?: DomainKind | undefined
}

/** The rows of a name, the file's first; more than one only where owners or lists conflict. None: an empty list. */
export async function find(scene: Scene, { object, name, kind }: Named): Promise<readonly Found[]> {
  if (object === 'user') return await findUser(scene, name)
  const rows = listsOf(object, kind).flatMap((list) => rowsOf(scene.view, list))
  const exact = rows.filter((row) => row.name === name)
  return exact.length > 0 ? exact : rows.filter((row) => row.name.toLowerCase() === name.toLowerCase())
}

async function findUser(scene: Scene, name: string): Promise<readonly Found[]> {
  const inFile = rowsOf(scene.view, 'users').filter((row) => row.owner === 'file' && row.name === name)
  const address = userAddress(name)
  const stored = address.ok ? await scene.store?.user(address.value) : undefined
  if (stored === undefined) return inFile
  const found: Found = {
    list: 'users',
    name,
    owner: 'store',
    row: stored,
    secret: undefined,
    revision: scene.view.state?.changedIn('users', name),
  }
  return [...inFile, found]
}

/** One row, or a problem that names what was perhaps meant. */
export async function findOne(scene: Scene, named: Named): Promise<Answer<Found>> {
  const [first] = await find(scene, named)
  return first === undefined ? missing(scene, named) : ok(first)
}

/** @param list a shipped provider that was removed has a cure of its own */
export function missing(scene: Scene, { object, name, kind }: Named): Answer<never> {
  const lists = listsOf(object, kind)
  const noun = kind === undefined ? object : NOUN[lists[0] as StoredList]
  const message = `there is no ${noun} "${name}"`
  if (object === 'provider' && storeRows(scene.view).removedShipped.includes(name)) {
    return refuse(
      'not-found',
      `the shipped provider "${name}" was removed`,
      `bring it back with: dragoman provider restore ${quoted(name)}`,
    )
  }
  const known = lists.flatMap((list) => rowsOf(scene.view, list).map((row) => row.name))
  const meant = nearest(name, known)
  return refuse(
    'not-found',
    message,
    meant === undefined
      ? `see what there is with: dragoman ${object} list`
      : `did you mean ${quoted(meant)}? See what there is with: dragoman ${object} list`,
  )
}

/** As it is written on a command line. */
export const quoted = (name: string): string => (/^[\w.@:+-]+$/.test(name) ? name : `"${name}"`)
