import { expect, test } from 'vitest'
import type { Mutation } from '../../src/admin/store.ts'
import type { UserKey } from '../../src/federation/address.ts'
import type { Domain } from '../../src/kernel/domain.ts'
import type { Store } from '../../src/store/store.ts'
import { type MakeBed, movedClock } from './bed.ts'
import {
  ALICE,
  address,
  below,
  EVERYONE,
  entry,
  fine,
  person,
  provided,
  putContact,
  putUser,
  user,
} from './fixtures.ts'

const ROMEO = 'romeo@sip.example'

async function done(store: Store, mutations: readonly Mutation[]): Promise<void> {
  const result = await store.change(ALICE, mutations, { check: fine })
  if (!result.ok) throw new Error(JSON.stringify(result.error))
}

/** What every `SubjectStore` does. */
export function subjectStoreSuite(makeBed: MakeBed): void {
  test('knows nothing of a user without a row and without entries', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    expect(await store.load(address(ROMEO), address('juliet@xmpp.example'), 'X')).toEqual({
      user: undefined,
      contacts: undefined,
    })
  })

  test('gives the user with all its fields, and its suspension', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const romeo = user(ROMEO, {
      enabled: false,
      home: 'main',
      site: 'Verona',
      policy: 'lovers',
      privacy: { contactsOnly: true, hideNotes: false },
    })
    await done(store, [putUser(romeo)])
    const load = async () => (await store.load(romeo.address, address('juliet@xmpp.example'), undefined)).user
    expect(await load()).toEqual(romeo)
    await done(store, [{ do: 'suspend', list: 'users', name: ROMEO, reason: 'duel' }])
    expect(await load()).toEqual({ ...romeo, suspended: true })
  })

  test('gives those entries alone that can mean the remote side', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const allow = [
      entry(person('juliet@im.capulet.example')),
      entry(below('im.capulet.example')),
      entry(below('capulet.example'), 'admin'),
      entry(provided('Capulet')),
    ]
    const others = [
      entry(person('nurse@im.capulet.example')),
      entry(person('juliet@capulet.example')),
      entry(below('tulet.example')),
      entry(below('x.im.capulet.example')),
      entry(provided('Montague')),
    ]
    await done(store, [
      ...[...allow, ...others].map((each) => putContact(ROMEO, 'allow', each)),
      putContact(ROMEO, 'block', entry(EVERYONE)),
      putContact('benvolio@sip.example', 'block', entry(person('juliet@im.capulet.example'))),
    ])
    const { contacts } = await store.load(address(ROMEO), address('juliet@im.capulet.example'), 'Capulet')
    expect(new Set(contacts?.allow)).toEqual(new Set(allow))
    expect(contacts?.block).toEqual([entry(EVERYONE)])
    const { contacts: without } = await store.load(
      address(ROMEO),
      address('juliet@im.capulet.example'),
      undefined,
    )
    expect(without?.allow).toHaveLength(3)
  })

  test('a change acts on the next question', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    await using other = await bed.open()
    const load = async () =>
      (await store.load(address(ROMEO), address('juliet@xmpp.example'), undefined)).contacts
    expect(await load()).toBeUndefined()
    await done(other, [putContact(ROMEO, 'allow', entry(EVERYONE))])
    expect((await load())?.allow).toHaveLength(1)
    await done(other, [{ do: 'clear-contacts', user: address(ROMEO) }])
    expect(await load()).toBeUndefined()
  })

  test('an entry that has expired is as none', async () => {
    await using bed = await makeBed()
    const clock = movedClock()
    await using store = await bed.open({ clock })
    await done(store, [putContact(ROMEO, 'allow', entry(EVERYONE, 'admin', clock.wall() + 1000))])
    const load = async () =>
      (await store.load(address(ROMEO), address('juliet@xmpp.example'), undefined)).contacts
    expect((await load())?.allow).toHaveLength(1)
    clock.move(1000)
    expect(await load()).toBeUndefined()
  })

  test.for([
    ['half a surrogate pair', 'romeo\ud800'],
    ['NUL', 'romeo\0'],
    ['an SQL quote', "romeo' or '1'='1"],
  ] as const)('%s in an address is no way to another user', async ([, odd]) => {
    await using bed = await makeBed()
    await using store = await bed.open()
    await done(store, [
      putUser(user(ROMEO)),
      putUser({
        ...user(ROMEO),
        address: { user: 'romeo\ufffd' as UserKey, domain: 'sip.example' as Domain },
      }),
      putContact(
        ROMEO,
        'allow',
        entry({ kind: 'address', address: { user: 'a\ufffd' as UserKey, domain: 'x.example' as Domain } }),
      ),
      putContact(ROMEO, 'block', entry(below('x.example'))),
    ])
    const strange = { user: odd as UserKey, domain: 'sip.example' as Domain }
    expect(await store.load(strange, address('juliet@xmpp.example'), undefined)).toEqual({
      user: undefined,
      contacts: undefined,
    })
    const { contacts } = await store.load(
      address(ROMEO),
      { user: odd.replace('romeo', 'a') as UserKey, domain: 'x.example' as Domain },
      undefined,
    )
    expect(contacts).toMatchObject({ allow: [], block: [entry(below('x.example'))] })
  })

  test('a remote domain of very many labels', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    await done(store, [putContact(ROMEO, 'block', entry(below('example')))])
    const deep = { user: 'x' as UserKey, domain: `${'a.'.repeat(120)}example` as Domain }
    expect((await store.load(address(ROMEO), deep, undefined)).contacts?.block).toHaveLength(1)
  })
}
