import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Mutation } from '../../src/admin/store.ts'
import { textOfAddress } from '../../src/federation/address.ts'
import type { ContactEntry, User } from '../../src/federation/model.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import type { Store } from '../../src/store/store.ts'
import { storeOptions } from '../compliance/bed.ts'
import {
  ALICE,
  address,
  below,
  component,
  EVERYONE,
  entry,
  fine,
  home,
  person,
  putContact,
  putUser,
  sipProvider,
  user,
} from '../compliance/fixtures.ts'
import { tempDir } from '../support/temp.ts'

/** Random changes, few names: what a process has in its memory, what is in the file, and what a simple model says. */

const NAMES = ['AOL', 'main'] as const
const PEOPLE = ['romeo@sip.example', 'benvolio@sip.example'] as const
const MATCHES = [EVERYONE, below('xmpp.example'), person('juliet@xmpp.example')] as const

const name = fc.constantFrom(...NAMES)
const one = fc.constantFrom(...PEOPLE)
const match = fc.constantFrom(...MATCHES)
const list = fc.constantFrom('allow', 'block')
const by = fc.constantFrom('user', 'admin', 'learned')

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc
    .record({ of: name, enforce: fc.constantFrom('edge', 'home') })
    .map(({ of, enforce }): Mutation => ({ do: 'put', list: 'homes', row: home(of, { enforce }) })),
  fc.record({ of: name, enabled: fc.boolean() }).map(
    ({ of, enabled }): Mutation => ({
      do: 'put',
      list: 'providers',
      row: sipProvider(of, `${of}.example`.toLowerCase(), { enabled }),
    }),
  ),
  fc
    .record({ of: name, env: fc.constantFrom('A', 'B') })
    .map(({ of, env }): Mutation => ({ do: 'put', list: 'links', row: component(of), secret: { env } })),
  fc
    .record({ of: name, from: fc.constantFrom('homes', 'providers', 'links') })
    .map(({ of, from }): Mutation => ({ do: 'remove', list: from, name: of })),
  name.map((of): Mutation => ({ do: 'restore-shipped', name: of })),
  fc.boolean().map((value): Mutation => ({ do: 'set', key: 'sip', value })),
  fc.constant<Mutation>({ do: 'unset', key: 'sip' }),
  name.map((of): Mutation => ({ do: 'suspend', list: 'providers', name: of, reason: 'why' })),
  name.map((of): Mutation => ({ do: 'resume', list: 'providers', name: of })),
  fc.record({ of: one, enabled: fc.boolean() }).map(({ of, enabled }) => putUser(user(of, { enabled }))),
  one.map((of): Mutation => ({ do: 'remove', list: 'users', name: of })),
  fc.record({ of: one, list, match, by }).map((e) => putContact(e.of, e.list, entry(e.match, e.by))),
  fc
    .record({ of: one, list, match })
    .map((e): Mutation => ({ do: 'remove-contact', user: address(e.of), list: e.list, match: e.match })),
  one.map((of): Mutation => ({ do: 'clear-contacts', user: address(of), only: 'learned' })),
)

interface Model {
  readonly users: Map<string, User>
  /** By user, list and match. */
  readonly entries: Map<string, ContactEntry>
}

/** Users and contacts alone; false: refused. */
function applied(model: Model, change: readonly Mutation[]): Model {
  const users = new Map(model.users)
  const entries = new Map(model.entries)
  const key = (of: string, where: string, what: object): string => `${of} ${where} ${JSON.stringify(what)}`
  for (const each of change) {
    if (each.do === 'put' && each.list === 'users') users.set(textOfAddress(each.row.address), each.row)
    else if (each.do === 'remove' && each.list === 'users') {
      users.delete(each.name)
      for (const k of entries.keys()) if (k.startsWith(`${each.name} `)) entries.delete(k)
    } else if (each.do === 'put-contact')
      entries.set(key(textOfAddress(each.user), each.list, each.entry.match), each.entry)
    else if (each.do === 'remove-contact')
      entries.delete(key(textOfAddress(each.user), each.list, each.match))
    else if (each.do === 'clear-contacts') {
      for (const [k, { by: who }] of entries) {
        if (k.startsWith(`${textOfAddress(each.user)} `) && who === 'learned') entries.delete(k)
      }
    }
  }
  return { users, entries }
}

async function expectModel(store: Store, { users, entries }: Model): Promise<void> {
  for (const of of PEOPLE) {
    expect(await store.user(address(of))).toEqual(users.get(of))
    const { allow, block } = await store.contacts(address(of))
    for (const [where, found] of Object.entries({ allow, block })) {
      const wanted = [...entries].filter(([k]) => k.startsWith(`${of} ${where} `)).map(([, each]) => each)
      expect(found).toHaveLength(wanted.length)
      expect(found).toEqual(expect.arrayContaining(wanted))
    }
  }
}

test('memory, file and model agree, whatever is changed and whatever is refused', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(mutation, { minLength: 1, maxLength: 3 }), { minLength: 20, maxLength: 40 }),
      async (changes) => {
        await using directory = await tempDir('model')
        const open = async (): Promise<Store> => {
          const opened = await openSqlite({ path: join(directory.path, 'federation.db') }, storeOptions())
          if (!opened.ok) throw new Error(opened.error.message)
          return opened.value
        }
        await using store = await open()
        let model: Model = { users: new Map(), entries: new Map() }
        let audited = 0
        for (const change of changes) {
          const before = await store.read()
          const result = await store.change(ALICE, change, { check: fine })
          const after = await store.read()
          if (result.ok) {
            model = applied(model, change)
            audited += result.value.changes.length
            expect(after.revision.all).toBe(before.revision.all + (result.value.changes.length > 0 ? 1 : 0))
          } else {
            expect(result.error.code).toBe('absent')
            expect([after.rows, after.revision]).toEqual([before.rows, before.revision])
          }
        }
        await using fresh = await open()
        const [mine, theirs] = [await store.read(), await fresh.read()]
        const sorted = (rows: typeof mine.rows) => ({
          ...rows,
          suspensions: [...rows.suspensions].sort((a, b) => (a.name < b.name ? -1 : 1)),
          removedShipped: [...rows.removedShipped].sort(),
        })
        expect(sorted(theirs.rows)).toEqual(sorted(mine.rows))
        expect([...theirs.secrets].sort()).toEqual([...mine.secrets].sort())
        for (const of of NAMES) expect(theirs.changedIn('homes', of)).toBe(mine.changedIn('homes', of))
        await expectModel(fresh, model)
        expect((await fresh.audit({ limit: 10_000 })).rows).toHaveLength(audited)
      },
    ),
    { numRuns: 12 },
  )
}, 30_000)
