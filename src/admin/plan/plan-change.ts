import { rowName } from '../names.ts'
import type { Answer } from '../problem.ts'
import type { ChangeSpec } from '../requests.ts'
import { planClearContacts, planContacts } from './contacts.ts'
import { planGrant } from './grants.ts'
import type { Plan, Scene } from './plan.ts'
import { planAdd, planRemove, planRestore, planSet, planSwitch } from './rows.ts'
import { planSetting } from './settings.ts'
import { planResume, planSuspend } from './suspend.ts'

/** What a change comes to: mutations of the store, or why not. Changes nothing itself. */
export async function planChange(scene: Scene, spec: ChangeSpec): Promise<Answer<Plan>> {
  if ('object' in spec) {
    const name = rowName(spec.object, spec.name)
    return name.ok ? await planNamed(scene, { ...spec, name: name.value }) : name
  }
  switch (spec.do) {
    case 'restore':
      return planRestore(scene, spec)
    case 'grant':
    case 'revoke':
      return await planGrant(scene, spec)
    case 'add-contacts':
    case 'remove-contacts':
      return await planContacts(scene, spec)
    case 'clear-contacts':
      return await planClearContacts(scene, spec)
    case 'set-setting':
    case 'unset-setting':
      return planSetting(scene, spec)
    default:
      return spec satisfies never
  }
}

/** @param spec with the name as rows have it */
async function planNamed(
  scene: Scene,
  spec: Extract<ChangeSpec, { object: unknown }>,
): Promise<Answer<Plan>> {
  switch (spec.do) {
    case 'add':
      return await planAdd(scene, spec)
    case 'set':
      return await planSet(scene, spec)
    case 'enable':
    case 'disable':
      return await planSwitch(scene, spec)
    case 'remove':
      return await planRemove(scene, spec)
    case 'suspend':
      return await planSuspend(scene, spec)
    case 'resume':
      return await planResume(scene, spec)
    default:
      return spec satisfies never
  }
}
