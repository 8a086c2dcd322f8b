import type { StoredList, StoredRows } from './store.ts'

/** What a person calls an object, and the lists that its rows are in. A domain's rows are in three. */
export const OBJECTS = {
  provider: ['providers'],
  domain: ['servedDomains', 'allowedDomains', 'blockedDomains'],
  policy: ['policies'],
  user: ['users'],
  home: ['homes'],
  link: ['links'],
} as const satisfies Readonly<Record<string, readonly StoredList[]>>

export type ObjectName = keyof typeof OBJECTS

export const OBJECT_NAMES = Object.keys(OBJECTS) as readonly ObjectName[]

export const DOMAIN_LISTS = {
  served: 'servedDomains',
  allowed: 'allowedDomains',
  blocked: 'blockedDomains',
} as const satisfies Readonly<Record<string, StoredList>>

export type DomainKind = keyof typeof DOMAIN_LISTS

export const DOMAIN_KINDS = Object.keys(DOMAIN_LISTS) as readonly DomainKind[]

const OBJECT_OF = {
  providers: 'provider',
  servedDomains: 'domain',
  allowedDomains: 'domain',
  blockedDomains: 'domain',
  policies: 'policy',
  users: 'user',
  homes: 'home',
  links: 'link',
} as const satisfies Record<StoredList, ObjectName>

export const objectOf = (list: StoredList): ObjectName => OBJECT_OF[list]

export const kindOf = (list: StoredList): DomainKind | undefined =>
  DOMAIN_KINDS.find((kind) => DOMAIN_LISTS[kind] === list)

/** The lists a request means: all of the object, or of a domain those of its kind. */
export const listsOf = (object: ObjectName, kind: DomainKind | undefined): readonly StoredList[] =>
  object === 'domain' && kind !== undefined ? [DOMAIN_LISTS[kind]] : OBJECTS[object]

export type AnyRow = StoredRows[StoredList]
