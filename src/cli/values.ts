import type { Json } from '../admin/store.ts'

type Section = { readonly [key: string]: Json | undefined }

const isSection = (value: unknown): value is Section =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A value as a person would write it; the store's own shapes (patterns, addresses, next hops) as their text. */
export function textOf(value: Json | undefined): string {
  if (value === undefined || value === null) return 'none'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string') return value === '' ? "''" : value
  if (typeof value === 'number') return String(value)
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(textOf).join(', ')
  return textOfSection(value as Section)
}

function textOfSection(value: Section): string {
  if (typeof value.below === 'boolean' && typeof value.domain === 'string') {
    return value.below ? `*.${value.domain}` : value.domain
  }
  if (typeof value.user === 'string' && typeof value.domain === 'string')
    return `${value.user}@${value.domain}`
  if (typeof value.uri === 'string') return value.uri
  if (typeof value.env === 'string') return `$${value.env}`
  if (typeof value.file === 'string') return `file ${value.file}`
  if (typeof value.kind === 'string') return value.kind === 'pair' ? pair(value) : matchOf(value)
  const parts = fieldsOf(value).map(([key, text]) => `${key} ${text}`)
  return parts.length === 0 ? 'none' : parts.join(', ')
}

const pair = (value: Section): string => `${textOf(value.sip)}=${textOf(value.xmpp)}`

function matchOf(value: Section): string {
  if (value.address !== undefined) return textOf(value.address)
  if (typeof value.domain === 'string') return `@${value.domain}`
  if (typeof value.provider === 'string') return `provider:${value.provider}`
  return String(value.kind)
}

/** The fields of a row, those of its sections as `limits.contacts`; without what is not set. */
export function fieldsOf(row: Json | undefined): readonly (readonly [key: string, text: string])[] {
  if (!isSection(row)) return row === undefined || row === null ? [] : [['value', textOf(row)]]
  return Object.entries(row).flatMap(([key, value]): (readonly [string, string])[] => {
    if (value === undefined || value === null) return []
    if (!isSection(value) || isValue(value)) return [[key, textOf(value)]]
    return fieldsOf(value).map(([inner, text]) => [`${key}.${inner}`, text] as const)
  })
}

/** Sections that are one value to a person. */
const isValue = (value: Section): boolean =>
  ['below', 'user', 'uri', 'env', 'file', 'kind'].some((key) => key in value)
