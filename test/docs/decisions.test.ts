import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const folder = new URL('../../docs/decisions/', import.meta.url)
const names = readdirSync(folder).sort()

test('two decisions had number 4: each has its own, the same in name and title, and none is missing', () => {
  expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, i) => i + 1))
  for (const name of names)
    expect(readFileSync(new URL(name, folder), 'utf8')).toMatch(
      new RegExp(`^# ${Number(name.slice(0, 4))}\\. `),
    )
})
