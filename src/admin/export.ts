import { type Address, textOfAddress } from '../federation/address.ts'
import type { Form } from './forms.ts'
import { allUsers, stays } from './plan/apply.ts'
import type { Scene } from './plan/plan.ts'
import type { Json, StoredList } from './store.ts'
import { rowsOf, storeRows } from './view.ts'

const LISTS = [
  'homes',
  'servedDomains',
  'links',
  'providers',
  'policies',
  'allowedDomains',
  'blockedDomains',
] as const satisfies readonly StoredList[]

/** What the store holds, in the form that `apply` takes back; without suspensions and learned entries. */
export async function exportSection(scene: Scene): Promise<Form> {
  const { view, forms, store } = scene
  const section: Record<string, Json | undefined> = { ...forms.writeSettings(storeRows(view).settings) }
  for (const list of LISTS) {
    section[list] = rowsOf(view, list)
      .filter((row) => row.owner === 'store')
      .map((row) => forms.write(list, row.row as never, row.secret))
  }
  const users: Form[] = []
  const contacts: Form[] = []
  const seen = new Set<string>()
  const addContacts = async (address: Address): Promise<void> => {
    const name = textOfAddress(address)
    if (store === undefined || seen.has(name)) return
    seen.add(name)
    const list = await store.contacts(address)
    const kept = { user: list.user, allow: list.allow.filter(stays), block: list.block.filter(stays) }
    if (kept.allow.length + kept.block.length > 0) contacts.push(forms.writeContacts(kept))
  }
  for await (const user of allUsers(scene)) {
    users.push(forms.write('users', user))
    await addContacts(user.address)
  }
  for (const { address } of view.file.users) await addContacts(address)
  for (const { user } of view.file.contacts) await addContacts(user)
  return { ...section, users, contacts }
}
