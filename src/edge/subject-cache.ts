import { type Address, textOfAddress } from '../federation/address.ts'
import { indexContacts } from '../federation/contact-index.ts'
import type { SubjectQuestion, UserRecord } from '../federation/load-subject.ts'
import { BoundedMap } from '../kernel/bounded-map.ts'
import type { SubjectRecord, SubjectStore } from './subjects.ts'

/** What is known of one user, by remote side; a promise while it is being asked for, so that requests stay in order. */
type Known = Map<string, UserRecord | Promise<UserRecord>>

/** Remote sides remembered for one user. */
const REMOTES = 256

/**
 * The store's rows of the users who are being written to and write, so that the message path asks the store once for
 * a pair. A change in the store makes it forget: `forget` one user, or `clear`.
 */
export class SubjectCache {
  readonly #store: SubjectStore
  readonly #users: BoundedMap<string, Known>
  #hits = 0
  #misses = 0

  /** @param users how many are remembered; the one asked for longest ago is forgotten */
  constructor(store: SubjectStore, users: number) {
    this.#store = store
    this.#users = new BoundedMap(users)
  }

  stats(): { readonly users: number; readonly hits: number; readonly misses: number } {
    return { users: this.#users.size, hits: this.#hits, misses: this.#misses }
  }

  /** @throws, or rejects, as the store does: nothing is known then */
  record({ own, remote, provider }: SubjectQuestion): UserRecord | Promise<UserRecord> {
    const user = textOfAddress(own)
    const other = `${textOfAddress(remote)} ${provider ?? ''}`
    const known = this.#users.get(user, 0)
    const found = known?.get(other)
    if (found !== undefined) {
      this.#hits++
      return found
    }
    this.#misses++
    const loaded = this.#store.load(own, remote, provider)
    if (!(loaded instanceof Promise)) return this.#keep(user, other, indexed(loaded))
    const isKept = (): boolean => this.#users.get(user, 0)?.get(other) === coming
    const coming: Promise<UserRecord> = loaded.then(
      (record) => {
        const value = indexed(record)
        // Forgotten meanwhile: what was read may be older than the reason for that.
        return isKept() ? this.#keep(user, other, value) : value
      },
      (error: unknown) => {
        if (isKept()) this.#users.get(user, 0)?.delete(other)
        throw error
      },
    )
    return this.#keep(user, other, coming)
  }

  forget(own: Address): void {
    this.#users.delete(textOfAddress(own))
  }

  clear(): void {
    this.#users.clear()
  }

  #keep<T extends UserRecord | Promise<UserRecord>>(user: string, other: string, value: T): T {
    const known = this.#users.get(user, 0) ?? new Map()
    if (known.size >= REMOTES && !known.has(other)) known.clear()
    known.set(other, value)
    this.#users.set(user, known, 0)
    return value
  }
}

const indexed = ({ user, contacts }: SubjectRecord): UserRecord => ({
  user,
  contacts: contacts === undefined ? undefined : indexContacts(contacts),
})
