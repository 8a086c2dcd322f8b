import { type Address, textOfAddress } from './address.ts'
import type { ContactMatch } from './model.ts'
import type { SettingKey } from './settings.ts'
import type { Owner, RowList } from './sources.ts'

/** Whose each row is. Only the file's and the shipped ones are listed: whatever else is there is the store's. */
export interface RowOwners {
  readonly settings: Readonly<Record<SettingKey, Exclude<Owner, 'shipped'> | 'default'>>
  /** By list, the names of the file's rows. */
  readonly file: Readonly<Record<RowList, ReadonlySet<string>>>
  /** Names of the shipped providers that nothing has replaced. */
  readonly shipped: ReadonlySet<string>
}

/** @param name the row's name; of a user its address, of a contact entry `contactKey` */
export function ownerOf(owners: RowOwners, list: RowList, name: string): Owner {
  if (owners.file[list].has(name)) return 'file'
  return list === 'providers' && owners.shipped.has(name) ? 'shipped' : 'store'
}

/** What a contact entry is known by: `romeo@sip.example allow @xmpp.example`. */
export const contactKey = (user: Address, side: 'allow' | 'block', match: ContactMatch): string =>
  `${textOfAddress(user)} ${side} ${textOfMatch(match)}`

/** As a person writes it in the file. */
export function textOfMatch(match: ContactMatch): string {
  switch (match.kind) {
    case 'address':
      return textOfAddress(match.address)
    case 'domain':
      return `@${match.domain}`
    case 'provider':
      return `provider:${match.provider}`
    case 'everyone':
      return 'everyone'
    default:
      return match satisfies never
  }
}

/** For people: whose a row is. */
export const OWNER_TEXT = {
  file: 'the configuration file',
  store: 'the store',
  shipped: 'the shipped rows',
} as const satisfies Record<Owner, string>
