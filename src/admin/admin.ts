import type { Warning } from '../federation/conflicts.ts'
import type { SettingKey } from '../federation/settings.ts'
import type { Owner } from '../federation/sources.ts'
import type { Explanation } from './explain.ts'
import type { Form } from './forms.ts'
import type { DomainKind, ObjectName } from './objects.ts'
import type { Answer } from './problem.ts'
import type { Operation, RequestOf } from './requests.ts'
import type { AuditEntry, Change, Json } from './store.ts'

/** Administration as commands and panels see it; in this process, or behind the daemon's socket. Answers are plain JSON. */
export type Admin = { readonly [O in Operation]: (request: RequestOf<O>) => Promise<Answer<Answers[O]>> }

export interface Answers {
  readonly status: Status
  readonly list: Listing
  readonly show: Shown
  readonly contacts: Contacts
  readonly settings: SettingsList
  readonly change: Outcome
  readonly apply: Outcome
  readonly export: Exported
  readonly explain: Explanation
  readonly audit: AuditPage
}

export interface Status {
  readonly version: string
  /** The configuration file, as an absolute path. */
  readonly file: string
  /** Undefined: there is none. */
  readonly store?: string | undefined
  readonly revision?: number | undefined
  /** Of the federation as a whole. */
  readonly suspended?: Suspended | undefined
  /** Why file and store cannot be put together at present; what was in force before stays so. */
  readonly broken?: readonly string[] | undefined
}

export interface Suspended {
  readonly by: string
  /** Milliseconds since the Unix epoch. */
  readonly since: number
  readonly reason: string
}

export interface Entry {
  readonly object: ObjectName
  /** Of domains. */
  readonly kind?: DomainKind | undefined
  readonly name: string
  readonly owner: Owner
  readonly suspended?: Suspended | undefined
  readonly row: Form
  /** Of links: how the running gateway has them. */
  readonly standing?: LinkStanding | undefined
}

export interface LinkStanding {
  readonly state: string
  /** From server to server: streams that others opened, and we. */
  readonly in?: number
  readonly out?: number
}

export interface Listing {
  readonly rows: readonly Entry[]
  /** What to ask for the next page with; undefined: this was the last. */
  readonly next?: string | undefined
}

export interface Shown extends Entry {
  /** What the running gateway has counted of it. */
  readonly figures?: Json | undefined
}

export interface ContactLine {
  readonly side: 'allow' | 'block'
  /** As written: an address, `@domain`, `provider:NAME` or `everyone`. */
  readonly who: string
  readonly by: 'user' | 'admin' | 'learned'
  /** Milliseconds since the Unix epoch. */
  readonly expires?: number | undefined
  readonly owner: Owner
}

export interface Contacts {
  readonly user: string
  readonly lines: readonly ContactLine[]
}

export interface SettingLine {
  readonly key: SettingKey
  readonly value: Json
  readonly owner: 'file' | 'store' | 'default'
}

export interface SettingsList {
  readonly settings: readonly SettingLine[]
  readonly suspended?: Suspended | undefined
}

/** What a change has done, or would do. */
export interface Outcome {
  readonly changes: readonly Change[]
  /** What stands now, and that a person should look at all the same. */
  readonly warnings: readonly Warning[]
  readonly dryRun: boolean
  /** What need not be done, and why: a part of it, or all where that was asked to be no mistake. */
  readonly note?: string | undefined
}

export interface Exported {
  /** As the section `federation:` of the configuration file: what the store holds. */
  readonly section: Form
}

export interface AuditPage {
  readonly rows: readonly AuditEntry[]
  readonly next?: number | undefined
}
