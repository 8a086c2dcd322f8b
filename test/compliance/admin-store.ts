import { expect, test } from 'vitest'
import type { Mutation, Resulting } from '../../src/admin/store.ts'
import { textOfAddress } from '../../src/federation/address.ts'
import { EMPTY_STORE } from '../../src/federation/sources.ts'
import { err } from '../../src/kernel/result.ts'
import type { Store } from '../../src/store/store.ts'
import { fakeTime } from '../kernel/fake-time.ts'
import { type MakeBed, movedClock, until } from './bed.ts'
import {
  ALICE,
  address,
  BOB,
  below,
  component,
  domain,
  EVERYONE,
  entry,
  fine,
  home,
  inShort,
  person,
  provided,
  putContact,
  putHome,
  putProvider,
  putUser,
  served,
  sipProvider,
  user,
  xmppProvider,
} from './fixtures.ts'

async function done(store: Store, mutations: readonly Mutation[], actor = ALICE): Promise<string[]> {
  const result = await store.change(actor, mutations, { check: fine })
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value.changes.map(inShort)
}

const auditOf = async (store: Store): Promise<string[]> =>
  (await store.audit({ limit: 100 })).rows.map((row) => `${row.actor.name}: ${inShort(row)}`)

/** What every `AdminStore` does, whatever lies below it. */
export function adminStoreSuite(makeBed: MakeBed): void {
  test('is empty at first', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const { rows, secrets, revision } = await store.read()
    expect(rows).toEqual(EMPTY_STORE)
    expect(secrets.size).toBe(0)
    expect(revision).toEqual({ all: 1, rows: 1 })
    expect((await store.users({ limit: 10 })).rows).toEqual([])
    expect((await store.audit({ limit: 10 })).rows).toEqual([])
  })

  test('gives back every row as it was put, to another process too', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const rows = {
      homes: [
        home('embedded', { nextHop: { kind: 'embedded' } }),
        home('main', { certificate: domain('sip.example') }),
      ],
      servedDomains: [served('sip.example', { users: 'listed', links: ['prosody', 's2s'] })],
      links: [component('prosody'), { kind: 's2s', name: 's2s', suspended: false } as const],
      providers: [sipProvider('Partner', 'partner.example'), xmppProvider('Wonder "land"', 'wonder.example')],
      allowedDomains: [
        { name: domain('a.example'), verification: 'contacts', comment: 'why', suspended: false },
      ],
      blockedDomains: [{ name: domain('b.example'), comment: '' }],
      policies: [
        {
          name: 'global',
          flags: { federation: true, publicIm: false, xmpp: true },
          description: undefined,
          suspended: false,
        },
      ],
    } as const
    const secret = { env: 'PROSODY_SECRET' }
    await done(store, [
      ...Object.entries(rows).flatMap(([list, each]) =>
        each.map(
          (row): Mutation => ({ do: 'put', list, row, ...(list === 'links' ? { secret } : {}) }) as Mutation,
        ),
      ),
      { do: 'set', key: 'publicIm', value: false },
      { do: 'set', key: 'openDiscovery.verification', value: 'all' },
      { do: 'set', key: 'learning.perUser', value: 7 },
    ])
    const settings = { publicIm: false, 'openDiscovery.verification': 'all', 'learning.perUser': 7 }
    await using other = await bed.open()
    for (const each of [store, other]) {
      const state = await each.read()
      expect(state.rows).toEqual({ ...EMPTY_STORE, ...rows, settings })
      expect([...state.secrets]).toEqual([
        ['prosody', secret],
        ['s2s', secret],
      ])
      expect(state.changedIn('homes', 'main')).toBe(2)
      expect(state.changedIn('homes', 'none')).toBeUndefined()
    }
  })

  test('a change is one transaction: the last mutation fails and nothing is there', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    await done(store, [putHome('main')])
    const result = await store.change(
      ALICE,
      [
        putHome('second'),
        putUser(user('romeo@sip.example')),
        putContact('romeo@sip.example', 'allow', entry(EVERYONE)),
        { do: 'suspend', list: 'homes', name: 'main', reason: 'fire' },
        { do: 'set', key: 'sip', value: false },
        { do: 'remove', list: 'homes', name: 'third' },
      ],
      { check: fine },
    )
    expect(result).toEqual(err({ code: 'absent', kind: 'homes', name: 'third' }))
    const { rows, revision } = await store.read()
    expect(rows).toEqual({ ...EMPTY_STORE, homes: [home('main')] })
    expect(revision).toEqual({ all: 2, rows: 2 })
    expect(await store.user(address('romeo@sip.example'))).toBeUndefined()
    expect(await auditOf(store)).toEqual(['alice: add homes main'])
  })

  test('the check sees the result, and what it refuses is undone', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    await done(store, [putHome('main'), putUser(user('mercutio@sip.example'))])
    let seen: Resulting | undefined
    const result = await store.change(
      ALICE,
      [
        putHome('second'),
        putUser(user('romeo@sip.example', { home: 'second' })),
        putContact('romeo@sip.example', 'block', entry(person('tybalt@xmpp.example'), 'admin')),
      ],
      {
        check: (after) => {
          seen = after
          return err('no')
        },
      },
    )
    expect(result).toEqual(err({ code: 'refused', error: 'no' }))
    expect(seen?.rows.homes.map(({ name }) => name)).toEqual(['main', 'second'])
    expect(seen?.rows.users).toEqual([user('romeo@sip.example', { home: 'second' })])
    expect(seen?.rows.contacts).toEqual([
      {
        user: address('romeo@sip.example'),
        allow: [],
        block: [entry(person('tybalt@xmpp.example'), 'admin')],
      },
    ])
    expect((await store.read()).rows.homes).toEqual([home('main')])
    expect((await store.read()).revision.all).toBe(2)
    expect(await store.user(address('romeo@sip.example'))).toBeUndefined()
    expect((await store.contacts(address('romeo@sip.example'))).block).toEqual([])
  })

  test('a check that throws undoes everything, and the store goes on', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const boom = new Error('a mistake in the check')
    await expect(
      store.change(ALICE, [putHome('main')], {
        check: () => {
          throw boom
        },
      }),
    ).rejects.toBe(boom)
    expect((await store.read()).rows.homes).toEqual([])
    expect(await done(store, [putHome('main')])).toEqual(['add homes main'])
  })

  test('a dry run says what would change and changes nothing', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const result = await store.change(ALICE, [putHome('main'), putUser(user('romeo@sip.example'))], {
      check: fine,
      dryRun: true,
    })
    expect(result.ok && result.value.changes.map(inShort)).toEqual([
      'add homes main',
      'add users romeo@sip.example',
    ])
    expect((await store.read()).rows.homes).toEqual([])
    expect((await store.read()).revision).toEqual({ all: 1, rows: 1 })
    expect(await auditOf(store)).toEqual([])
  })

  test('what changes nothing leaves no trace', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const same = [
      putHome('main'),
      putUser(user('romeo@sip.example')),
      putContact('romeo@sip.example', 'allow', entry(EVERYONE)),
    ]
    await done(store, same)
    expect(await done(store, same)).toEqual([])
    expect(
      await done(store, [
        { do: 'unset', key: 'sip' },
        { do: 'clear-contacts', user: address('nobody@sip.example') },
      ]),
    ).toEqual([])
    expect((await store.revision()).all).toBe(2)
    expect(await auditOf(store)).toHaveLength(3)
  })

  test('who comes second with an expectation is told so', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    await done(store, [putHome('main')])
    const put = (expected: number | 'absent') =>
      store.change(BOB, [{ do: 'put', list: 'homes', row: home('main', { enforce: 'home' }), expected }], {
        check: fine,
      })
    expect(await put('absent')).toEqual(
      err({ code: 'stale', list: 'homes', name: 'main', expected: 'absent', found: 2 }),
    )
    expect((await put(2)).ok).toBe(true)
    expect(await put(2)).toEqual(err({ code: 'stale', list: 'homes', name: 'main', expected: 2, found: 3 }))
    const gone = await store.change(BOB, [{ do: 'remove', list: 'homes', name: 'main', expected: 2 }], {
      check: fine,
    })
    expect(gone).toEqual(err({ code: 'stale', list: 'homes', name: 'main', expected: 2, found: 3 }))
  })

  test('the audit log says who, when, before and after', async () => {
    await using bed = await makeBed()
    const clock = movedClock()
    await using store = await bed.open({ clock })
    const started = clock.wall()
    await done(store, [putHome('main')])
    await done(store, [putHome('main', { enforce: 'home' })], BOB)
    await done(store, [{ do: 'remove', list: 'homes', name: 'main' }])
    const { rows, next } = await store.audit({ limit: 10 })
    expect(next).toBeUndefined()
    expect(rows.map(({ action, actor, revision }) => [action, actor, revision])).toEqual([
      ['remove', ALICE, 4],
      ['set', BOB, 3],
      ['add', ALICE, 2],
    ])
    expect(rows[1]?.before).toMatchObject({ name: 'main', enforce: 'edge', certificate: null })
    expect(rows[1]?.after).toMatchObject({ name: 'main', enforce: 'home' })
    expect([rows[0]?.after, rows[2]?.before]).toEqual([undefined, undefined])
    expect(rows[2]?.at).toBeGreaterThanOrEqual(started)
    expect(rows[2]?.at).toBeLessThanOrEqual(clock.wall())
  })

  test('the audit log comes in pages, newest first, and can be searched', async () => {
    await using bed = await makeBed()
    const clock = movedClock()
    await using store = await bed.open({ clock })
    for (let i = 0; i < 5; i++) {
      await done(store, [putHome(`home ${i}`)], i % 2 === 0 ? ALICE : BOB)
      clock.move(1000)
    }
    await done(store, [{ do: 'set', key: 'xmpp', value: false }])
    const first = await store.audit({ limit: 4 })
    expect(first.rows.map(({ name }) => name)).toEqual(['xmpp', 'home 4', 'home 3', 'home 2'])
    const second = await store.audit({ limit: 4, before: first.next })
    expect(second.rows.map(({ name }) => name)).toEqual(['home 1', 'home 0'])
    expect(second.next).toBeUndefined()
    const names = async (query: object) =>
      (await store.audit({ limit: 9, ...query })).rows.map(({ name }) => name)
    expect(await names({ actor: 'bob' })).toEqual(['home 3', 'home 1'])
    expect(await names({ kind: 'settings' })).toEqual(['xmpp'])
    expect(await names({ kind: 'homes', name: 'home 2' })).toEqual(['home 2'])
    const third = (await store.audit({ limit: 1, kind: 'homes', name: 'home 2' })).rows[0]?.at ?? 0
    expect(await names({ since: third })).toEqual(['xmpp', 'home 4', 'home 3', 'home 2'])
    expect(await names({ until: third })).toEqual(['home 1', 'home 0'])
  })

  test('entries of the audit log go once their time is over, the oldest first, and no others', async () => {
    await using bed = await makeBed()
    const { clock, timers, pass } = fakeTime()
    await using store = await bed.open({ clock, timers, auditKeep: 300_000 })
    await done(
      store,
      Array.from({ length: 600 }, (_, i) => putHome(`home ${i}`)),
    )
    pass(400_000)
    await done(store, [putHome('later')])
    const oldest = async () => (await store.audit({ limit: 1000 })).rows.at(-1)?.name
    expect(await oldest()).toBe('home 0')
    pass(200_000)
    await until('the first of them have gone', async () => (await oldest()) === 'home 500')
    await until('the others have gone', async () => {
      pass(1000)
      return (await oldest()) === 'later'
    })
    expect((await store.read()).rows.homes).toHaveLength(601)
    expect((await store.revision()).all).toBe(3)
  })

  test('without a time the audit log is left as it is', async () => {
    await using bed = await makeBed()
    const { clock, timers, pass } = fakeTime()
    await using store = await bed.open({ clock, timers })
    await done(store, [putHome('main')])
    pass(1_300_000)
    expect(await auditOf(store)).toEqual(['alice: add homes main'])
  })

  test('where a newer version has taken the tables over, nothing is changed any more', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    await done(store, [putHome('main')])
    await bed.execute('update schema_version set version = 99')
    await expect(store.change(ALICE, [putHome('second')], { check: fine })).rejects.toMatchObject({
      problem: { code: 'newer-schema', cure: expect.stringContaining('newer Dragoman') },
    })
    expect((await store.read()).rows.homes).toHaveLength(1)
    expect(await auditOf(store)).toHaveLength(1)
  })

  test('users come in pages in the order of their addresses', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const names = [
      'zoe@a.example',
      'Abe@b.example',
      'bob@a.example',
      'ünal@a.example',
      'eve_1@a.example',
      'eveX1@a.example',
    ]
    await done(
      store,
      names.map((name, i) =>
        putUser(
          user(name, {
            enabled: i !== 0,
            home: i === 1 ? 'second' : undefined,
            site: i < 3 ? 'north' : undefined,
          }),
        ),
      ),
    )
    const listed: string[] = []
    for (let after: Parameters<Store['users']>[0]['after']; ; ) {
      const { rows, next } = await store.users({ limit: 2, after })
      listed.push(...rows.map((row) => textOfAddress(row.address)))
      if (next === undefined) break
      after = next
    }
    expect(listed).toEqual([...names].map((name) => textOfAddress(address(name))).sort())
    const found = async (query: object) =>
      (await store.users({ limit: 9, ...query })).rows.map((row) => textOfAddress(row.address))
    expect(await found({ domain: domain('b.example') })).toEqual(['abe@b.example'])
    expect(await found({ containing: 'OB@' })).toEqual(['bob@a.example'])
    // Not a pattern: the underscore means itself.
    expect(await found({ containing: 'eve_' })).toEqual(['eve_1@a.example'])
    expect(await found({ home: 'second' })).toEqual(['abe@b.example'])
    expect(await found({ site: 'north', enabled: true })).toEqual(['abe@b.example', 'bob@a.example'])
    expect(await found({ enabled: false })).toEqual(['zoe@a.example'])
  })

  test('a user with all its fields, and with its suspension', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const romeo = user('romeo@sip.example', {
      enabled: false,
      home: 'main',
      site: 'Verona',
      policy: 'lovers',
      privacy: { contactsOnly: true, hideNotes: true },
    })
    await done(store, [putUser(romeo)])
    expect(await store.user(romeo.address)).toEqual(romeo)
    await done(store, [{ do: 'suspend', list: 'users', name: 'romeo@sip.example', reason: 'duel' }])
    expect(await store.user(romeo.address)).toEqual({ ...romeo, suspended: true })
    expect((await store.users({ limit: 1 })).rows).toEqual([{ ...romeo, suspended: true }])
    await done(store, [{ do: 'resume', list: 'users', name: 'romeo@sip.example' }])
    expect(await store.user(romeo.address)).toEqual(romeo)
  })

  test('contact entries of all kinds; the list goes with its user', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const romeo = address('romeo@sip.example')
    const allow = [
      entry(person('juliet@xmpp.example')),
      entry(person('o"connor, *%@xmpp.example'), 'admin', 4_000_000_000_000),
      entry(below('capulet.example'), 'admin'),
      entry(provided('Wonder: "land"')),
    ]
    await done(store, [
      putUser(user('romeo@sip.example')),
      ...allow.map((each) => putContact('romeo@sip.example', 'allow', each)),
      putContact('romeo@sip.example', 'block', entry(EVERYONE, 'admin')),
      putContact('benvolio@sip.example', 'block', entry(EVERYONE)),
    ])
    const list = await store.contacts(romeo)
    expect(new Set(list.allow)).toEqual(new Set(allow))
    expect(list.block).toEqual([entry(EVERYONE, 'admin')])

    const change: Mutation = {
      do: 'remove-contact',
      user: romeo,
      list: 'allow',
      match: below('capulet.example'),
    }
    expect(await done(store, [change])).toEqual(['remove contacts romeo@sip.example'])
    expect(await store.change(ALICE, [change], { check: fine })).toEqual(
      err({ code: 'absent', kind: 'contacts', name: 'romeo@sip.example' }),
    )
    await done(store, [
      putContact('romeo@sip.example', 'allow', entry(person('juliet@xmpp.example'), 'admin')),
    ])
    expect((await store.contacts(romeo)).allow).toHaveLength(3)

    expect(await done(store, [{ do: 'remove', list: 'users', name: 'romeo@sip.example' }])).toEqual([
      'remove users romeo@sip.example',
      'remove contacts romeo@sip.example',
    ])
    expect(await store.contacts(romeo)).toEqual({ user: romeo, allow: [], block: [] })
    expect((await store.contacts(address('benvolio@sip.example'))).block).toHaveLength(1)
  })

  test('an entry that has expired is not listed', async () => {
    await using bed = await makeBed()
    const clock = movedClock()
    await using store = await bed.open({ clock })
    await done(store, [
      putContact('romeo@sip.example', 'allow', entry(EVERYONE, 'admin', clock.wall() + 5000)),
    ])
    expect((await store.contacts(address('romeo@sip.example'))).allow).toHaveLength(1)
    clock.move(5000)
    expect((await store.contacts(address('romeo@sip.example'))).allow).toEqual([])
  })

  test('mutations of one change build on each other', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    expect(
      await done(store, [
        putHome('main'),
        putHome('main', { enforce: 'home' }),
        { do: 'remove', list: 'homes', name: 'main' },
        putHome('main', { congestionSafePath: true }),
        putUser(user('romeo@sip.example')),
        putContact('romeo@sip.example', 'allow', entry(EVERYONE)),
        { do: 'remove', list: 'users', name: 'romeo@sip.example' },
        putContact('romeo@sip.example', 'block', entry(EVERYONE)),
      ]),
    ).toEqual([
      'add homes main',
      'set homes main',
      'remove homes main',
      'add homes main',
      'add users romeo@sip.example',
      'add contacts romeo@sip.example',
      'remove users romeo@sip.example',
      'remove contacts romeo@sip.example',
      'add contacts romeo@sip.example',
    ])
    await using other = await bed.open()
    expect((await other.read()).rows.homes).toEqual([home('main', { congestionSafePath: true })])
    expect(await other.user(address('romeo@sip.example'))).toBeUndefined()
    expect(await other.contacts(address('romeo@sip.example'))).toMatchObject({
      allow: [],
      block: [entry(EVERYONE)],
    })
  })

  test('a shipped provider is changed, removed and restored', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const aol = sipProvider('AOL', 'aol.example')
    expect(await done(store, [{ do: 'restore-shipped', name: 'AOL' }])).toEqual([])
    expect(await done(store, [putProvider(aol)])).toEqual(['set providers AOL'])
    expect((await store.audit({ limit: 1 })).rows[0]?.before).toMatchObject({
      name: 'AOL',
      enabled: false,
      type: 'public',
    })
    expect(await done(store, [{ do: 'remove', list: 'providers', name: 'AOL' }])).toEqual([
      'remove providers AOL',
    ])
    expect((await store.read()).rows).toMatchObject({ providers: [], removedShipped: ['AOL'] })
    expect(
      await store.change(ALICE, [{ do: 'remove', list: 'providers', name: 'AOL' }], { check: fine }),
    ).toEqual(err({ code: 'absent', kind: 'providers', name: 'AOL' }))
    expect(await done(store, [{ do: 'restore-shipped', name: 'AOL' }])).toEqual(['restore providers AOL'])
    expect((await store.read()).rows).toMatchObject({ providers: [], removedShipped: [] })
    expect(await done(store, [{ do: 'remove', list: 'providers', name: 'Jabber' }])).toEqual([
      'remove providers Jabber',
    ])
    expect(await done(store, [putProvider(xmppProvider('Jabber', 'jabber.example'))])).toEqual([
      'add providers Jabber',
    ])
    await using other = await bed.open()
    expect((await other.read()).rows.removedShipped).toEqual([])
    expect((await other.read()).rows.providers.map(({ name }) => name)).toEqual(['Jabber'])
  })

  test('a suspension keeps its first mark, and holds for rows that the store does not have', async () => {
    await using bed = await makeBed()
    const clock = movedClock()
    await using store = await bed.open({ clock })
    const since = clock.wall()
    const suspend: Mutation = { do: 'suspend', list: 'providers', name: 'of the file', reason: 'spam' }
    expect(await done(store, [suspend])).toEqual(['suspend providers of the file'])
    clock.move(60_000)
    expect(await done(store, [{ ...suspend, reason: 'more spam' }], BOB)).toEqual([])
    await done(store, [{ do: 'suspend', list: 'federation', name: 'federation', reason: '' }])
    const { suspensions } = (await store.read()).rows
    expect(suspensions).toHaveLength(2)
    const mark = suspensions.find(({ list }) => list === 'providers')
    expect(mark).toMatchObject({ name: 'of the file', by: 'alice', reason: 'spam' })
    expect((mark?.since ?? 0) - since).toBeLessThan(30_000)
    expect(await done(store, [{ do: 'resume', list: 'providers', name: 'of the file' }], BOB)).toEqual([
      'resume providers of the file',
    ])
    expect(
      await store.change(ALICE, [{ do: 'resume', list: 'providers', name: 'of the file' }], { check: fine }),
    ).toEqual(err({ code: 'absent', kind: 'providers', name: 'of the file' }))
  })

  test('the check is told which users are left behind by what is removed', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const policy = {
      name: 'lovers',
      flags: { federation: true, publicIm: true, xmpp: true },
      description: undefined,
      suspended: false,
    }
    await done(store, [
      putHome('main'),
      putHome('unused'),
      { do: 'put', list: 'servedDomains', row: served('sip.example') },
      { do: 'put', list: 'policies', row: policy },
      putProvider(sipProvider('Partner', 'partner.example')),
      putUser(user('romeo@sip.example', { home: 'main', policy: 'lovers' })),
      putUser(user('benvolio@sip.example', { home: 'main' })),
      putContact('romeo@sip.example', 'allow', entry(provided('Partner'))),
    ])
    const bereaved = async (mutations: readonly Mutation[]): Promise<unknown> => {
      let seen: unknown
      await store.change(ALICE, mutations, {
        check: (after) => {
          seen = after.bereaved.map(
            ({ list, name, count, example }) => `${list} ${name} ${count} ${textOfAddress(example)}`,
          )
          return err('look only')
        },
      })
      return seen
    }
    expect(
      await bereaved([
        { do: 'remove', list: 'homes', name: 'main' },
        { do: 'remove', list: 'homes', name: 'unused' },
        { do: 'remove', list: 'servedDomains', name: 'sip.example' },
        { do: 'remove', list: 'policies', name: 'lovers' },
        { do: 'remove', list: 'providers', name: 'Partner' },
      ]),
    ).toEqual([
      'homes main 2 benvolio@sip.example',
      'servedDomains sip.example 2 benvolio@sip.example',
      'policies lovers 1 romeo@sip.example',
      'providers Partner 1 romeo@sip.example',
    ])
    expect(
      await bereaved([
        { do: 'remove', list: 'homes', name: 'main' },
        putUser(user('romeo@sip.example', { home: 'unused' })),
        { do: 'remove', list: 'users', name: 'benvolio@sip.example' },
      ]),
    ).toEqual([])
  })

  test('the revision of the rows stays where only users and contacts change', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    await done(store, [putHome('main')])
    await done(store, [
      putUser(user('romeo@sip.example')),
      putContact('romeo@sip.example', 'allow', entry(EVERYONE)),
    ])
    expect(await store.revision()).toEqual({ all: 3, rows: 2 })
    await done(store, [{ do: 'suspend', list: 'users', name: 'romeo@sip.example', reason: '' }])
    expect(await store.revision()).toEqual({ all: 4, rows: 4 })
  })

  test('changes of two processes come one after the other, and none is lost', async () => {
    await using bed = await makeBed()
    await using one = await bed.open()
    await using two = await bed.open()
    const changes = Array.from({ length: 20 }, (_, i) =>
      done(i % 2 === 0 ? one : two, [putHome(`home ${String(i).padStart(2, '0')}`)]),
    )
    await Promise.all(changes)
    for (const store of [one, two]) {
      const { rows, revision } = await store.read()
      expect(rows.homes).toHaveLength(20)
      expect(revision.all).toBe(21)
    }
    expect(new Set((await one.audit({ limit: 50 })).rows.map(({ revision }) => revision)).size).toBe(20)
  })

  test('of two that put one row with the same expectation, one is refused', async () => {
    await using bed = await makeBed()
    await using one = await bed.open()
    await using two = await bed.open()
    const put = (store: Store, enforce: 'edge' | 'home') =>
      store.change(
        ALICE,
        [{ do: 'put', list: 'homes', row: home('main', { enforce }), expected: 'absent' }],
        { check: fine },
      )
    const results = await Promise.all([put(one, 'edge'), put(two, 'home')])
    expect(results.map((result) => result.ok).sort()).toEqual([false, true])
  })

  test('a change is told at once in its own process, and within a second in another', async () => {
    await using bed = await makeBed()
    const time = fakeTime()
    await using one = await bed.open(time)
    await using two = await bed.open(time)
    const told: [string, number][] = []
    one.watch(({ all }) => told.push(['one', all]))
    const stop = two.watch(({ all }) => told.push(['two', all]))
    await done(one, [putHome('main')])
    expect(told).toEqual([['one', 2]])
    time.pass(1000)
    await until('the other process is told', () => told.length === 2)
    expect(told[1]).toEqual(['two', 2])
    expect((await two.read()).rows.homes).toEqual([home('main')])
    stop()
    await done(one, [putHome('second')])
    time.pass(1000)
    await two.read()
    expect(told).toHaveLength(3)
  })

  test('contact lists of everybody come page by page, without what was learned', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const learned = { match: below('learned.example'), by: 'learned', expires: 8e12 } as const
    await done(store, [
      putContact('b@sip.example', 'allow', entry(below('xmpp.example'))),
      putContact('b@sip.example', 'block', entry(EVERYONE)),
      putContact('b@sip.example', 'allow', learned),
      putContact('c@sip.example', 'allow', learned),
      putContact('a@sip.example', 'block', entry(EVERYONE)),
      putContact('d@sip.example', 'allow', entry(EVERYONE)),
    ])
    const first = await store.contactLists({ limit: 2 })
    expect(first.rows).toEqual([
      { user: address('a@sip.example'), allow: [], block: [entry(EVERYONE)] },
      { user: address('b@sip.example'), allow: [entry(below('xmpp.example'))], block: [entry(EVERYONE)] },
    ])
    expect(first.next).toEqual(address('b@sip.example'))
    const second = await store.contactLists({ limit: 2, after: first.next })
    expect(second.rows.map(({ user: own }) => own)).toEqual([address('d@sip.example')])
    expect(second.next).toBeUndefined()
  })

  test('a thousand users in one change', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const names = Array.from({ length: 1000 }, (_, i) => `user${String(i).padStart(4, '0')}@sip.example`)
    await done(
      store,
      names.flatMap((name) => [putUser(user(name)), putContact(name, 'allow', entry(below('xmpp.example')))]),
    )
    expect((await store.users({ limit: 10_000 })).rows).toHaveLength(1000)
    expect(
      await done(
        store,
        names.map((name) => ({ do: 'remove', list: 'users', name })),
      ),
    ).toHaveLength(2000)
    expect((await store.users({ limit: 1 })).rows).toEqual([])
  })
}
