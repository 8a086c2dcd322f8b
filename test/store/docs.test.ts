import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { StoreProblemCode } from '../../src/admin/store.ts'

/** Does not compile while a code is missing. */
const CODES: Readonly<Record<StoreProblemCode, true>> = {
  'no-such-place': true,
  'no-permission': true,
  'not-a-database': true,
  foreign: true,
  'newer-schema': true,
  damaged: true,
  locked: true,
  'disk-full': true,
  unreachable: true,
  'sign-in-refused': true,
  'no-such-database': true,
  failed: true,
}

test('docs/store.md explains every problem, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/store.md'), 'utf8')
  const explained = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code)
  expect(explained.sort()).toEqual(Object.keys(CODES).sort())
})
