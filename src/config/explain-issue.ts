import type { z } from 'zod'
import { nearest } from '../kernel/nearest.ts'
import { descriptionAt, keysAt } from './json-schema.ts'
import type { Path } from './problem.ts'

/** One finding of the schema in plain words. */
export interface Finding {
  readonly path: Path
  readonly message: string
  readonly cure: string
  /** It is the key that is wrong, not its value. */
  readonly onKey: boolean
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a section of keys',
}

export function findingsOf(issue: z.core.$ZodIssue, value: unknown): readonly Finding[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))
  const written = valueAt(value, path)
  const about = descriptionAt(path)
  const hint = about === undefined ? 'see the example file' : `expected: ${about}`
  const one = (message: string, cure: string): readonly Finding[] => [{ path, message, cure, onKey: false }]

  if (written === undefined && issue.code !== 'unrecognized_keys') {
    return one('is missing', about === undefined ? 'add it' : `add it: ${about}`)
  }
  if (written === null && issue.code !== 'unrecognized_keys') {
    return one('is empty', 'give it a value, or remove the key')
  }
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = keysAt(path)
      return issue.keys.map((key) => {
        const meant = nearest(key, known)
        const list = `known here: ${known.join(', ')}`
        return {
          path: [...path, key],
          message: 'unknown key',
          cure: meant === undefined ? list : `did you mean ${meant}? ${list}`,
          onKey: true,
        }
      })
    }
    case 'invalid_value': {
      const known = issue.values.map(String)
      const meant = nearest(String(written), known)
      const list = known.length === 1 ? `write ${known[0]}` : `one of ${known.join(', ')}`
      return one(
        `${show(written)} is not known here`,
        meant === undefined ? list : `${list}; did you mean ${meant}?`,
      )
    }
    case 'invalid_type':
      return one(`must be ${TYPES[issue.expected] ?? issue.expected}, not ${show(written)}`, hint)
    case 'too_small':
      return typeof written === 'number'
        ? one(`${written} is too small`, `write at least ${issue.minimum}`)
        : one('must not be empty', hint)
    case 'too_big':
      return typeof written === 'number'
        ? one(`${written} is too large`, `write at most ${issue.maximum}`)
        : one('is too long', `at most ${issue.maximum}`)
    case 'custom': {
      const cure: unknown = issue.params?.cure
      return one(issue.message, typeof cure === 'string' ? cure : hint)
    }
    case 'invalid_format':
      return one(`${show(written)} does not fit`, hint)
    case 'invalid_union': {
      const inner = innermost(issue, written)
      return inner === undefined
        ? one(issue.message, hint)
        : inner.flatMap((found) => findingsOf({ ...found, path: [...issue.path, ...found.path] }, value))
    }
    default:
      return one(issue.message, hint)
  }
}

/** Of a union of a word and a list or section, the branch of the kind that was written. */
function innermost(
  issue: z.core.$ZodIssueInvalidUnion,
  written: unknown,
): readonly z.core.$ZodIssue[] | undefined {
  if (typeof written !== 'object') return undefined
  const branches = issue.errors.filter((found) =>
    found.every(({ code, path }) => path.length > 0 || code === 'unrecognized_keys' || code === 'too_small'),
  )
  return branches.length === 1 ? branches[0] : undefined
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Readonly<Record<string | number, unknown>>)[part]
  }
  return at
}

function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'a section'
  const text = typeof value === 'string' ? `"${value}"` : String(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
