import { textOfAddress } from '../federation/address.ts'
import { remainingShipped } from '../federation/merge.ts'
import type { User } from '../federation/model.ts'
import {
  EMPTY_STORE,
  type Owner,
  type SourceRows,
  type StoreRows,
  SUSPENDABLE,
  type SuspendableList,
} from '../federation/sources.ts'
import type { Entry, Suspended } from './admin.ts'
import type { RowForms } from './forms.ts'
import { type AnyRow, kindOf, objectOf } from './objects.ts'
import type { SecretReference, StoredList, StoreState } from './store.ts'

/** File, store and shipped rows at one moment. */
export interface View {
  readonly file: SourceRows
  /** The path of the file, for people. */
  readonly fileName: string
  /** Undefined: there is no store. */
  readonly state: StoreState | undefined
}

/** One row, and whose it is. */
export interface Found {
  readonly list: StoredList
  readonly name: string
  readonly owner: Owner
  readonly row: AnyRow
  readonly secret: SecretReference | undefined
  /** The revision it was last put in; undefined: it is not the store's, or nobody keeps count. */
  readonly revision: number | undefined
}

export function viewOf(file: SourceRows, fileName: string, state: StoreState | undefined): View {
  return { file, fileName, state }
}

export const storeRows = (view: View): StoreRows => view.state?.rows ?? EMPTY_STORE

export const nameOf = (list: StoredList, row: AnyRow): string =>
  list === 'users' ? textOfAddress((row as User).address) : (row as Exclude<AnyRow, User>).name

/**
 * Every row of a list, the file's first. Users of the store are not among them: there may be many.
 * A name that two owners have is there twice: then the data cannot stand together, and a person must see both.
 */
export function rowsOf(view: View, list: StoredList): readonly Found[] {
  const found = (owner: Owner, row: AnyRow): Found => {
    const name = nameOf(list, row)
    const stored = owner === 'store'
    return {
      list,
      name,
      owner,
      row,
      secret: stored && list === 'links' ? view.state?.secrets.get(name) : undefined,
      revision: stored ? view.state?.changedIn(list, name) : undefined,
    }
  }
  return [
    ...view.file[list].map((row) => found('file', row)),
    ...storeRows(view)[list].map((row) => found('store', row)),
    ...(list === 'providers' ? shippedOf(view).map((row) => found('shipped', row)) : []),
  ]
}

const shippedOf = (view: View): readonly AnyRow[] => remainingShipped(view.file, storeRows(view))

export const isSuspendable = (list: StoredList | 'federation'): list is SuspendableList =>
  (SUSPENDABLE as readonly string[]).includes(list)

export function suspensionOf(
  view: View,
  list: StoredList | 'federation',
  name: string,
): Suspended | undefined {
  const key = name.toLowerCase()
  const mark = storeRows(view).suspensions.find(
    (each) => each.list === list && each.name.toLowerCase() === key,
  )
  return mark === undefined ? undefined : { by: mark.by, since: mark.since, reason: mark.reason }
}

export const entryOf = (view: View, forms: RowForms, { list, name, owner, row, secret }: Found): Entry => ({
  object: objectOf(list),
  kind: kindOf(list),
  name,
  owner,
  suspended: suspensionOf(view, list, name),
  row: forms.write(list, row as never, secret),
})
