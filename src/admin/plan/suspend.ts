import { NOUN } from '../../federation/conflicts.ts'
import { OBJECTS, objectOf } from '../objects.ts'
import { type Answer, refuse } from '../problem.ts'
import type { SpecOf } from '../requests.ts'
import { isSuspendable, storeRows, suspensionOf } from '../view.ts'
import { findOne, quoted } from './find.ts'
import { nothing, type Plan, plan, type Scene } from './plan.ts'

/** The emergency stop, whoever owns the row. */
export async function planSuspend(scene: Scene, spec: SpecOf<'suspend'>): Promise<Answer<Plan>> {
  if (spec.object === 'federation') {
    return suspensionOf(scene.view, 'federation', 'federation') === undefined
      ? plan({ do: 'suspend', list: 'federation', name: 'federation', reason: spec.reason })
      : nothing('the federation is suspended already')
  }
  const found = await findOne(scene, { object: spec.object, name: spec.name, kind: spec.kind })
  if (!found.ok) return found
  const { list, name } = found.value
  if (!isSuspendable(list)) {
    return refuse(
      'not-possible',
      `a ${NOUN[list]} cannot be suspended: it lets nothing through`,
      `take it away with: dragoman ${objectOf(list)} remove ${quoted(name)}`,
    )
  }
  const mark = suspensionOf(scene.view, list, name)
  return mark === undefined
    ? plan({ do: 'suspend', list, name, reason: spec.reason })
    : nothing(`${NOUN[list]} "${name}" is suspended already, by ${mark.by}`)
}

/** The mark outlives its row, so it is looked for by itself. */
export async function planResume(scene: Scene, spec: SpecOf<'resume'>): Promise<Answer<Plan>> {
  if (spec.object === 'federation') {
    return suspensionOf(scene.view, 'federation', 'federation') === undefined
      ? nothing('the federation is not suspended')
      : plan({ do: 'resume', list: 'federation', name: 'federation' })
  }
  const lists: readonly string[] = OBJECTS[spec.object]
  const key = spec.name.toLowerCase()
  const marks = storeRows(scene.view).suspensions.filter(
    (mark) => lists.includes(mark.list) && mark.name.toLowerCase() === key,
  )
  if (marks.length > 0) return plan(...marks.map(({ list, name }) => ({ do: 'resume', list, name }) as const))
  const found = await findOne(scene, { object: spec.object, name: spec.name, kind: spec.kind })
  return found.ok ? nothing(`${NOUN[found.value.list]} "${found.value.name}" is not suspended`) : found
}
