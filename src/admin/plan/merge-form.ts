import type { Form } from '../forms.ts'
import type { Json } from '../store.ts'

const isSection = (value: Json | undefined): value is Form =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const REFERENCES: ReadonlySet<string> = new Set(['secret', 'password'])

/** A section is merged key by key, null takes a key away, anything else replaces what was there. */
export function mergeForm(form: Form, fields: Form): Form {
  const merged: Record<string, Json | undefined> = { ...form }
  for (const [key, value] of Object.entries(fields)) {
    const before = merged[key]
    if (value === null) delete merged[key]
    // A section that says one thing with one key, as a reference to a secret does, is replaced whole.
    else if (isSection(value) && isSection(before) && !REFERENCES.has(key))
      merged[key] = mergeForm(before, value)
    else if (value !== undefined) merged[key] = value
  }
  return merged
}

export interface Members {
  readonly add?: Readonly<Record<string, readonly string[]>> | undefined
  readonly drop?: Readonly<Record<string, readonly string[]>> | undefined
}

/** Members that a list gains at its end, and those it loses. */
export function changeMembers(form: Form, { add = {}, drop = {} }: Members): Form {
  const changed: Record<string, Json | undefined> = { ...form }
  for (const key of new Set([...Object.keys(add), ...Object.keys(drop)])) {
    const before = changed[key]
    const list = Array.isArray(before) ? (before as readonly Json[]) : []
    const lost = new Set<Json>(drop[key] ?? [])
    const kept = list.filter((member) => !lost.has(member))
    changed[key] = [...kept, ...(add[key] ?? []).filter((member) => !kept.includes(member))]
  }
  return changed
}
