import { SETTING_KEYS, type Settings } from '../federation/settings.ts'
import type { FileValues } from './schema.ts'

type Values = FileValues['federation']

/**
 * The single settings that the file itself sets: those it leaves out are for another source to set.
 * @param written the section `federation:` as it stands in the file
 */
export function settingsOf(values: Values, written: unknown): Partial<Settings> {
  const set = SETTING_KEYS.filter((key) => at(written, key) !== undefined)
  return Object.fromEntries(set.map((key) => [key, at(values, key)])) as Partial<Settings>
}

const at = (section: unknown, key: string): unknown =>
  key
    .split('.')
    .reduce<unknown>(
      (node, part) =>
        typeof node === 'object' && node !== null
          ? (node as Readonly<Record<string, unknown>>)[part]
          : undefined,
      section,
    )
