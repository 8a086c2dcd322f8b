import { textOfAddress } from '../federation/address.ts'
import type { User } from '../federation/model.ts'
import { addressOf } from './contact-rows.ts'
import type { UserTable } from './tables.ts'

export const userOf = (row: Omit<UserTable, 'revision' | 'domain'>, suspended: boolean): User => ({
  address: addressOf(row.address),
  enabled: row.enabled === 1,
  home: row.home ?? undefined,
  site: row.site ?? undefined,
  policy: row.policy ?? undefined,
  privacy: { contactsOnly: row.contacts_only === 1, hideNotes: row.hide_notes === 1 },
  suspended,
})

export const rowOfUser = (user: User, revision: number): UserTable => ({
  address: textOfAddress(user.address),
  domain: user.address.domain,
  enabled: user.enabled ? 1 : 0,
  home: user.home ?? null,
  site: user.site ?? null,
  policy: user.policy ?? null,
  contacts_only: user.privacy.contactsOnly ? 1 : 0,
  hide_notes: user.privacy.hideNotes ? 1 : 0,
  revision,
})
