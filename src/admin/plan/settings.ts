import { DEFAULT_SETTINGS, SETTING_KEYS, type SettingKey } from '../../federation/settings.ts'
import { nearest } from '../../kernel/nearest.ts'
import { err, ok } from '../../kernel/result.ts'
import type { Form } from '../forms.ts'
import { type Answer, refuse } from '../problem.ts'
import type { SpecOf } from '../requests.ts'
import type { Json, SetSetting } from '../store.ts'
import { storeRows, suspensionOf } from '../view.ts'
import { nothing, type Plan, plan, type Scene } from './plan.ts'
import { faulty } from './read-row.ts'

export function planSetting(
  scene: Scene,
  spec: SpecOf<'set-setting'> | SpecOf<'unset-setting'>,
): Answer<Plan> {
  const key = settingKey(spec.key)
  if (!key.ok) return key
  const name = key.value
  if (scene.view.file.settings[name] !== undefined) {
    return refuse(
      'file-owned',
      `setting ${name} belongs to ${scene.view.fileName}`,
      name === 'enabled'
        ? 'change it there and reload the gateway (SIGHUP), or stop everything at once with: dragoman federation suspend'
        : 'change it there and reload the gateway (SIGHUP), or take it out of the file to set it here',
    )
  }
  const before = storeRows(scene.view).settings[name]
  if (spec.do === 'unset-setting') {
    return before === undefined
      ? nothing(`setting ${name} is not set in the store`)
      : plan({ do: 'unset', key: name })
  }
  const read = scene.forms.read(nested(name, spec.value))
  if (!read.ok) return err(faulty('setting', read.error))
  const value = read.value.rows.settings[name]
  if (value === undefined) return refuse('bad-request', `setting ${name}: has no value`, 'give it a value')
  if (value !== (before ?? DEFAULT_SETTINGS[name])) return plan({ do: 'set', key: name, value } as SetSetting)
  return nothing(already(scene, name, spec.value, before === undefined))
}

function already({ view }: Scene, name: SettingKey, value: Json, byDefault: boolean): string {
  const unset = byDefault ? ', by default' : ''
  if (name !== 'enabled') return `setting ${name} is ${String(value)} already${unset}`
  const mark = suspensionOf(view, 'federation', 'federation')
  return `the federation is ${value === true ? 'enabled' : 'disabled'} already${unset}${
    mark === undefined ? '' : ', and suspended: end that with dragoman federation resume'
  }`
}

function settingKey(text: string): Answer<SettingKey> {
  const key = SETTING_KEYS.find((known) => known.toLowerCase() === text.toLowerCase())
  if (key !== undefined) return ok(key)
  const meant = nearest(text, SETTING_KEYS)
  return refuse(
    'not-found',
    `there is no setting "${text}"`,
    meant === undefined ? `they are ${SETTING_KEYS.join(', ')}` : `did you mean ${meant}?`,
  )
}

/** `openDiscovery.enabled` as the file has it: `{ openDiscovery: { enabled: … } }`. */
export const nested = (key: string, value: Json): Form =>
  key.split('.').reduceRight<Json>((inner, part) => ({ [part]: inner }), value) as Form
