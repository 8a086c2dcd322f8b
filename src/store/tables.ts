import type { Generated } from 'kysely'

/** The tables as Kysely types them: the same on SQLite and PostgreSQL. Flags are 0 and 1, times milliseconds since the epoch. */
export interface Tables {
  readonly schema_version: { version: number; at: number }
  readonly revision: { id: number; every: number; rows: number }
  readonly rows: RowTable
  readonly settings: { key: string; value: string }
  readonly suspensions: { list: string; name: string; by: string; since: number; reason: string }
  readonly removed_shipped: { name: string }
  readonly audit: AuditTable
  readonly users: UserTable
  readonly contacts: ContactTable
  /** Goes up by one with each batch of learned entries, of whatever process. */
  readonly learned_revision: { id: number; mark: number }
  /** The mark of the last batch that changed learned entries of this user. */
  readonly learned_marks: { owner: string; mark: number }
  readonly presence_authorizations: PresenceAuthorizationTable
  readonly presence_dialogs: PresenceDialogTable
}

/** Rows that are always read together, each as JSON: `list` is one of `RowList` without users and contacts. */
interface RowTable {
  list: string
  name: string
  body: string
  revision: number
}

interface AuditTable {
  id: Generated<number>
  at: number
  revision: number
  actor: string
  claimed: number
  action: string
  kind: string
  name: string
  before: string | null
  after: string | null
}

export interface UserTable {
  /** As `textOfAddress` writes it. */
  address: string
  domain: string
  enabled: number
  home: string | null
  site: string | null
  policy: string | null
  contacts_only: number
  hide_notes: number
  revision: number
}

export interface ContactTable {
  /** The address of the user whose list it is. */
  owner: string
  list: string
  /** `address:romeo@sip.example`, `domain:example.com`, `provider:NAME` or `everyone`. */
  target: string
  origin: string
  expires: number | null
}

/** Who watches whom: `StoredAuthorization`. */
export interface PresenceAuthorizationTable {
  direction: string
  xmpp: string
  sip: string
  state: string
  since: number
}

/** `StoredDialog`. */
export interface PresenceDialogTable {
  id: string
  direction: string
  xmpp: string
  sip: string
  until: number
  body: string
}
