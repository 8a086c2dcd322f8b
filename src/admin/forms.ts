import type { ContactList } from '../federation/model.ts'
import type { Settings } from '../federation/settings.ts'
import type { SourceRows } from '../federation/sources.ts'
import type { Result } from '../kernel/result.ts'
import type { Json, SecretReference, StoredList, StoredRows } from './store.ts'

/** A row as a person writes it: the keys and values of the section `federation:` of the configuration file. */
export type Form = { readonly [key: string]: Json | undefined }

/** What is wrong in a form. */
export interface Fault {
  /** `providers[0].verification` */
  readonly path: string
  readonly message: string
  readonly cure: string
}

/** A section `federation:` that was read. */
export interface Written {
  readonly rows: SourceRows
  /** By the name of a component link. */
  readonly secrets: ReadonlyMap<string, SecretReference>
}

/** Between rows and what people write; implemented by `config`, so that a row is written in one way everywhere. */
export interface RowForms {
  /** @param section as the section `federation:` of the file; every key may be left out */
  read(section: unknown): Result<Written, readonly Fault[]>
  write<L extends StoredList>(list: L, row: StoredRows[L], secret?: SecretReference): Form
  writeContacts(list: ContactList): Form
  /** Nested as in the file: `{ openDiscovery: { enabled: true } }`. */
  writeSettings(settings: Partial<Settings>): Form
}
