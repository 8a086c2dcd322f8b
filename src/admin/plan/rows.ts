import { NOUN } from '../../federation/conflicts.ts'
import type { Provider, User } from '../../federation/model.ts'
import { SHIPPED_PROVIDERS } from '../../federation/shipped.ts'
import { ok } from '../../kernel/result.ts'
import type { Form } from '../forms.ts'
import { DOMAIN_LISTS, listsOf, OBJECTS } from '../objects.ts'
import { type Answer, refuse } from '../problem.ts'
import type { SpecOf } from '../requests.ts'
import type { Mutation, PutRow, StoredList } from '../store.ts'
import { type Found, storeRows, suspensionOf } from '../view.ts'
import { find, findOne, missing, quoted } from './find.ts'
import { changeMembers, mergeForm } from './merge-form.ts'
import { fileOwned } from './owned.ts'
import { nothing, type Plan, plan, type Scene } from './plan.ts'
import { readRow } from './read-row.ts'

type Spec<D extends 'add' | 'set' | 'enable' | 'disable' | 'remove'> = SpecOf<D>

export async function planAdd(scene: Scene, spec: Spec<'add'>): Promise<Answer<Plan>> {
  if (spec.object === 'domain' && spec.kind === undefined) {
    return refuse('bad-request', 'the kind of the domain is missing', 'say served, allowed or blocked')
  }
  const list = spec.kind === undefined ? OBJECTS[spec.object][0] : DOMAIN_LISTS[spec.kind]
  const key = list === 'users' ? 'user' : 'name'
  const row = readRow(scene, list, { ...spec.fields, [key]: spec.name })
  if (!row.ok) return row
  const [other] = await find(scene, { object: spec.object, name: spec.name, kind: spec.kind })
  if (other === undefined) return plan({ ...row.value, expected: 'absent' } as Mutation)
  if (other.owner === 'store' && sameForm(scene, other, row.value)) {
    return nothing(`${NOUN[list]} "${other.name}" is there already, just so`)
  }
  const verb = other.owner === 'file' ? undefined : `dragoman ${spec.object} set ${quoted(other.name)}`
  return refuse(
    'exists',
    `${NOUN[list]} "${other.name}" exists already (in ${other.owner === 'file' ? scene.view.fileName : other.owner === 'store' ? 'the store' : 'the shipped rows'})`,
    verb === undefined
      ? 'change it in the file, or take another name'
      : `change it with: ${verb}, or take another name`,
  )
}

function sameForm(scene: Scene, found: Found, put: PutRow): boolean {
  const secret = put.list === 'links' ? put.secret : undefined
  const one = scene.forms.write(found.list, found.row as never, found.secret)
  return JSON.stringify(one) === JSON.stringify(scene.forms.write(put.list, put.row as never, secret))
}

export async function planSet(scene: Scene, spec: Spec<'set'>): Promise<Answer<Plan>> {
  const found = await changeable(scene, spec)
  if (!found.ok) return found
  if ([spec.fields, spec.add ?? {}, spec.drop ?? {}].every((keys) => Object.keys(keys).length === 0)) {
    return nothing(`no key of ${spec.object} "${found.value.name}" was named`)
  }
  const key = found.value.list === 'users' ? 'user' : 'name'
  if (spec.fields[key] !== undefined && spec.fields[key] !== found.value.name) {
    return refuse(
      'bad-request',
      'a name cannot be changed',
      'add a row with the new name, then remove the old one',
    )
  }
  const before = scene.forms.write(found.value.list, found.value.row as never, found.value.secret)
  const after = changeMembers(mergeForm(before, spec.fields), spec)
  return put(scene, found.value, after)
}

/** Rows with a switch of their own. */
const SWITCHED = new Set<StoredList>(['providers', 'users'])

export async function planSwitch(
  scene: Scene,
  spec: Spec<'enable'> | Spec<'disable'>,
): Promise<Answer<Plan>> {
  const [list] = listsOf(spec.object, spec.kind)
  if (list === undefined || !SWITCHED.has(list)) {
    return refuse(
      'not-possible',
      `a ${spec.object} has no switch of its own`,
      spec.do === 'disable'
        ? `stop it with: dragoman ${spec.object} suspend ${quoted(spec.name)}; or remove it`
        : `if it is suspended: dragoman ${spec.object} resume ${quoted(spec.name)}`,
    )
  }
  const found = await changeable(scene, spec)
  if (!found.ok) return found
  const enabled = spec.do === 'enable'
  const row = found.value.row as Provider | User
  if (row.enabled === enabled) {
    const mark = suspensionOf(scene.view, found.value.list, found.value.name)
    return nothing(
      `${spec.object} "${found.value.name}" is ${enabled ? 'enabled' : 'disabled'} already${mark === undefined ? '' : `, and suspended: end that with dragoman ${spec.object} resume ${quoted(found.value.name)}`}`,
    )
  }
  const before = scene.forms.write(found.value.list, found.value.row as never, found.value.secret)
  return put(scene, found.value, { ...before, enabled })
}

export async function planRemove(scene: Scene, spec: Spec<'remove'>): Promise<Answer<Plan>> {
  const rows = await find(scene, spec)
  const own = rows.find((row) => row.owner !== 'file')
  if (own !== undefined) return plan(removal(own))
  const [first] = rows
  return first === undefined ? missing(scene, spec) : fileOwned(scene.view, first)
}

export const removal = ({ list, name, owner, revision }: Found): Mutation => ({
  do: 'remove',
  list,
  name,
  ...(owner === 'store' && revision !== undefined && { expected: revision }),
})

export function planRestore(scene: Scene, { name }: SpecOf<'restore'>): Answer<Plan> {
  const shipped = SHIPPED_PROVIDERS.find((row) => row.name.toLowerCase() === name.toLowerCase())
  if (shipped === undefined) {
    return refuse(
      'not-found',
      `"${name}" is not one of the shipped providers`,
      `they are ${SHIPPED_PROVIDERS.map((row) => row.name).join(', ')}`,
    )
  }
  const store = storeRows(scene.view)
  const touched =
    store.removedShipped.includes(shipped.name) || store.providers.some((row) => row.name === shipped.name)
  return touched
    ? plan({ do: 'restore-shipped', name: shipped.name })
    : nothing(`the shipped provider "${shipped.name}" is as it was shipped`)
}

/** A row that the store may change: its own, or a shipped one, of which it makes its own. */
async function changeable(scene: Scene, spec: Spec<'set' | 'enable' | 'disable'>): Promise<Answer<Found>> {
  const found = await findOne(scene, spec)
  if (!found.ok) return found
  return found.value.owner === 'file' ? fileOwned(scene.view, found.value) : ok(found.value)
}

function put(scene: Scene, found: Found, form: Form): Answer<Plan> {
  const read = readRow(scene, found.list, form)
  if (!read.ok) return read
  const expected = found.owner === 'shipped' ? 'absent' : found.revision
  return plan({ ...read.value, ...(expected !== undefined && { expected }) } as Mutation)
}
