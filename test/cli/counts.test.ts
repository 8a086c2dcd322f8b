import { expect, test } from 'vitest'
import type { Shown } from '../../src/admin/admin.ts'
import { textOfShown } from '../../src/cli/object-commands.ts'

const SHOWN: Shown = {
  object: 'provider',
  name: 'AOL',
  owner: 'store',
  row: { name: 'AOL', limits: { messagesPerSecond: 5, contacts: 1000, connections: 4 } },
}
const counts = {
  requests: 120,
  refused: { messages: 3, contacts: 0, connections: 2 },
  contacts: 17,
  connections: 4,
}

test('what was counted of a provider stands beside its limits', () => {
  expect(textOfShown({ ...SHOWN, figures: counts }, true)).toBe(`provider AOL
  owner                            the store
  limits.messagesPerSecond         5
  limits.contacts                  1000
  limits.connections               4
  counted: requests                120
  counted: refused                 5 (3 too many a second, 2 too many connections)
  counted: users in the last hour  17 of 1000
  counted: connections now         4 of 4
`)
})

test('without a limit there is nothing beside it', () => {
  const { contacts, ...none } = counts
  expect(contacts).toBe(17)
  const refused = { messages: 0, contacts: 0, connections: 0 }
  const text = textOfShown({ ...SHOWN, row: {}, figures: { ...none, refused } }, true)
  expect(text).toContain('counted: refused                 0\n')
  expect(text).toContain('counted: users in the last hour  not counted, since there is no limit\n')
  expect(text).toContain('counted: connections now         4\n')
})

test('nothing counted, and nobody who counts, are told apart', () => {
  expect(textOfShown(SHOWN, true)).toMatch(/counted +nothing since the gateway started\n/)
  expect(textOfShown(SHOWN, false)).toMatch(/counted +nothing: no gateway was asked\n/)
})
