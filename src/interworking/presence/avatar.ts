import { flat } from '../../kernel/flat.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { first, textOf } from './elements.ts'

export const AVATAR = 'vcard-temp:x:update'

const SHA1 = /^(?:[0-9A-Fa-f]{40})?$/

/** The hash of an avatar, empty for none; undefined where nothing is said of one (XEP-0153 §4.1). */
export function readAvatar(parent: Element): string | undefined {
  const update = first(parent, 'x', AVATAR)
  const photo = update && first(update, 'photo', AVATAR)
  const hash = photo && textOf(photo).trim()
  return hash !== undefined && SHA1.test(hash) ? flat(hash.toLowerCase()) : undefined
}
