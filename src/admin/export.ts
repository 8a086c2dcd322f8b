import type { Form } from './forms.ts'
import { allContacts, allUsers } from './plan/apply.ts'
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
  const { view, forms } = scene
  const section: Record<string, Json | undefined> = { ...forms.writeSettings(storeRows(view).settings) }
  for (const list of LISTS) {
    section[list] = rowsOf(view, list)
      .filter((row) => row.owner === 'store')
      .map((row) => forms.write(list, row.row as never, row.secret))
  }
  const users: Form[] = []
  for await (const user of allUsers(scene)) users.push(forms.write('users', user))
  const contacts: Form[] = []
  for await (const list of allContacts(scene)) contacts.push(forms.writeContacts(list))
  return { ...section, users, contacts }
}
