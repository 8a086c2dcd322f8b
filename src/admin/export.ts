import { inChunks } from '../kernel/chunks.ts'
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
    const written: Form[] = []
    await inChunks(rowsOf(view, list), (rows) => {
      for (const { owner, row, secret } of rows)
        if (owner === 'store') written.push(forms.write(list, row as never, secret))
    })
    section[list] = written
  }
  const users: Form[] = []
  for await (const user of allUsers(scene)) users.push(forms.write('users', user))
  const contacts: Form[] = []
  for await (const list of allContacts(scene)) contacts.push(forms.writeContacts(list))
  return { ...section, users, contacts }
}
