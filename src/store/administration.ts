import type { Kysely } from 'kysely'
import type {
  Actor,
  AuditEntry,
  AuditQuery,
  Bereaved,
  Changed,
  ChangeOptions,
  ChangeRefusal,
  ContactListQuery,
  Mutation,
  Page,
  Revision,
  StoreState,
  UserQuery,
} from '../admin/store.ts'
import type { Address } from '../federation/address.ts'
import type { ContactList, User } from '../federation/model.ts'
import { inChunks } from '../kernel/chunks.ts'
import type { Clock } from '../kernel/clock.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { aTurn } from '../kernel/turns.ts'
import { bereavedBy } from './bereaved.ts'
import { addressOf } from './contact-rows.ts'
import { type Contents, rowsOf, secretsOf } from './contents.ts'
import type { Database } from './database.ts'
import { Draft } from './draft.ts'
import { refuseNewer } from './migrate.ts'
import { pageOfAudit, pageOfContactLists, pageOfUsers, readContacts, readUser } from './queries.ts'
import { readBefore } from './read-before.ts'
import { readContents } from './read-contents.ts'
import { readRevision, writeRevision } from './revision.ts'
import type { Tables } from './tables.ts'
import { writeAudit, writeDraft } from './write-draft.ts'

/** Entries of the audit log that are deleted at once. */
const SWEEP = 500

/** What both products have in common of an `AdminStore`. */
export class Administration {
  readonly #database: Database
  readonly #clock: Clock
  readonly #changed: (revision: Revision) => void
  /** What was read last; good for as long as nobody has changed the rows. */
  #known: { readonly rows: number; readonly contents: Contents } | undefined

  /** @param changed told of each change of this process, after its commit */
  constructor(database: Database, clock: Clock, changed: (revision: Revision) => void) {
    this.#database = database
    this.#clock = clock
    this.#changed = changed
  }

  read(): Promise<StoreState> {
    return this.#database.read(async (db) => {
      const { revision, contents } = await this.#contents(db)
      return stateOf(revision, contents)
    })
  }

  revision(): Promise<Revision> {
    return this.#database.read(readRevision)
  }

  async change<E>(
    actor: Actor,
    mutations: readonly Mutation[],
    options: ChangeOptions<E>,
  ): Promise<Result<Changed, ChangeRefusal<E>>> {
    let contents: Contents | undefined
    const result = await this.#database.change(async (db) => {
      const outcome = await this.#tryChange(db, actor, mutations, options)
      contents = outcome.contents
      return { commit: outcome.commit, value: outcome.result }
    })
    if (contents !== undefined && result.ok) {
      this.#known = { rows: result.value.revision.rows, contents }
      this.#changed(result.value.revision)
    }
    return result
  }

  async #tryChange<E>(
    db: Kysely<Tables>,
    actor: Actor,
    mutations: readonly Mutation[],
    { check, dryRun = false }: ChangeOptions<E>,
  ): Promise<{
    readonly commit: boolean
    readonly result: Result<Changed, ChangeRefusal<E>>
    /** Of a change that is to be committed. */
    readonly contents?: Contents
  }> {
    await refuseNewer(this.#database, db)
    const { revision: old, contents: before } = await this.#contents(db)
    const at = this.#clock.wall()
    const next = old.all + 1
    const draft = new Draft(await readBefore(db, before, mutations), {
      actor: actor.name,
      at,
      revision: next,
    })
    let refusal: ReturnType<Draft['apply']>
    await inChunks(mutations, (chunk) => {
      for (const mutation of chunk) refusal ??= draft.apply(mutation)
    })
    if (refusal !== undefined) return { commit: false, result: err(refusal) }
    if (draft.changes.length > 0) await writeDraft(db, before, draft)
    const resulting = await resultingOf(db, draft)
    await aTurn()
    const checked = await check(resulting)
    if (!checked.ok) return { commit: false, result: err({ code: 'refused', error: checked.error }) }
    if (draft.changes.length === 0) return { commit: false, result: ok({ revision: old, changes: [] }) }

    const revision = { all: next, rows: draft.contents === before ? old.rows : next }
    await writeAudit(db, actor, at, next, draft.changes)
    await writeRevision(db, revision)
    const result = ok({ revision, changes: draft.changes })
    return dryRun ? { commit: false, result } : { commit: true, result, contents: draft.contents }
  }

  user(address: Address): Promise<User | undefined> {
    return this.#database.read((db) => readUser(db, address))
  }

  users(query: UserQuery): Promise<Page<User, Address>> {
    return this.#database.read((db) => pageOfUsers(db, query))
  }

  contacts(user: Address): Promise<ContactList> {
    return this.#database.read((db) => readContacts(db, user, this.#clock.wall()))
  }

  contactLists(query: ContactListQuery): Promise<Page<ContactList, Address>> {
    return this.#database.read((db) => pageOfContactLists(db, query))
  }

  audit(query: AuditQuery): Promise<Page<AuditEntry, number>> {
    return this.#database.read((db) => pageOfAudit(db, query))
  }

  /**
   * Deletes the oldest entries of the audit log as far as they were written before `before`, some of them.
   * @returns whether there may be more
   */
  sweepAudit(before: number): Promise<boolean> {
    return this.#database.change(async (db) => {
      // By number, so that a log in which nothing is old is not read through.
      const oldest = await db.selectFrom('audit').select(['id', 'at']).orderBy('id').limit(SWEEP).execute()
      const kept = oldest.findIndex(({ at }) => at >= before)
      const last = (kept === -1 ? oldest : oldest.slice(0, kept)).at(-1)
      if (last === undefined) return { commit: false, value: false }
      await db.deleteFrom('audit').where('id', '<=', last.id).execute()
      return { commit: true, value: kept === -1 && oldest.length === SWEEP }
    })
  }

  async #contents(db: Kysely<Tables>): Promise<{ revision: Revision; contents: Contents }> {
    for (;;) {
      const revision = await readRevision(db)
      if (this.#known?.rows === revision.rows) return { revision, contents: this.#known.contents }
      const contents = await readContents(db)
      // Outside a transaction somebody may have come in between; what was read is then of two revisions.
      if ((await readRevision(db)).rows !== revision.rows) continue
      this.#known = { rows: revision.rows, contents }
      return { revision, contents }
    }
  }
}

function stateOf(revision: Revision, contents: Contents): StoreState {
  return {
    revision,
    rows: rowsOf(contents),
    secrets: secretsOf(contents),
    changedIn: (list, name) => (list === 'users' ? undefined : contents[list].get(name)?.revision),
  }
}

async function resultingOf(db: Kysely<Tables>, draft: Draft) {
  const touched = [...draft.touchedUsers]
  return {
    rows: {
      ...rowsOf(draft.contents),
      users: touched.flatMap((name) => draft.users.get(name)?.row ?? []),
      contacts: [...draft.touchedEntries].map(([owner, keys]) => touchedList(draft, owner, keys)),
    },
    secrets: secretsOf(draft.contents),
    bereaved: await bereaved(db, draft),
  }
}

function touchedList(draft: Draft, owner: string, keys: ReadonlySet<string>): ContactList {
  const of = (list: 'allow' | 'block') =>
    [...keys]
      .filter((key) => key.startsWith(`${list} `))
      .flatMap((key) => draft.contacts.get(owner)?.get(key) ?? [])
  return { user: addressOf(owner), allow: of('allow'), block: of('block') }
}

async function bereaved(db: Kysely<Tables>, draft: Draft): Promise<Bereaved[]> {
  const found: Bereaved[] = []
  for (const { list, name } of draft.touchedRows) {
    if (draft.contents[list].has(name)) continue
    const one = await bereavedBy(db, list, name)
    if (one !== undefined) found.push(one)
  }
  return found
}
