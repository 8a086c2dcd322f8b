import { describe, expect, test } from 'vitest'
import type { Mutation } from '../../src/admin/store.ts'
import { textOfAddress } from '../../src/federation/address.ts'
import type { Store } from '../../src/store/store.ts'
import { type FakeTime, fakeTime } from '../kernel/fake-time.ts'
import { type MakeBed, movedClock, type StoreBed, until } from './bed.ts'
import { ALICE, address, entry, fine, noise, person, putContact } from './fixtures.ts'

const ROMEO = address('romeo@sip.example')
const JULIET = address('juliet@xmpp.example')
const DAY = 86_400_000
const LIMITS = { lifetime: 90 * DAY, perUser: 3 }

async function done(store: Store, mutations: readonly Mutation[]): Promise<void> {
  const result = await store.change(ALICE, mutations, { check: fine })
  if (!result.ok) throw new Error(JSON.stringify(result.error))
}

const written = (store: Store, count: number): Promise<void> =>
  until(`${count} learned entries are written`, () => store.learnedStats().written === count)

const takenBack = (store: Store, count: number): Promise<void> =>
  until(`${count} were tried to be taken back`, () => store.learnedStats().takenBack === count)

/** What every `LearnedContacts` does. */
export function learnedContactsSuite(makeBed: MakeBed): void {
  test('a learned entry is there a moment later, and its user is told', async () => {
    await using bed = await makeBed()
    const clock = movedClock()
    await using store = await bed.open({ clock })
    const told: unknown[] = []
    store.onLearned((own) => told.push(own))
    expect(store.learn(ROMEO, JULIET, LIMITS)).toBe('on-trial')
    expect(store.learnedStats().waiting).toBe(1)
    await written(store, 1)
    expect(told).toEqual([ROMEO])
    const { allow } = await store.contacts(ROMEO)
    expect(allow).toMatchObject([{ match: person('juliet@xmpp.example'), by: 'learned' }])
    expect(Math.abs((allow[0]?.expires ?? 0) - clock.wall() - LIMITS.lifetime)).toBeLessThan(60_000)
    expect((await store.load(ROMEO, JULIET, undefined)).contacts?.allow).toHaveLength(1)
    // Not a change of an administrator's: no audit entry, no new revision.
    expect((await store.audit({ limit: 1 })).rows).toEqual([])
    expect((await store.revision()).all).toBe(1)
  })

  test('expires, and is learned anew', async () => {
    await using bed = await makeBed()
    const clock = movedClock()
    await using store = await bed.open({ clock })
    store.learn(ROMEO, JULIET, { lifetime: 1000, perUser: 3 })
    await written(store, 1)
    clock.move(2000)
    expect((await store.load(ROMEO, JULIET, undefined)).contacts).toBeUndefined()
  })

  test.for(['user', 'admin'] as const)('an entry by %s stays as it is', async (by) => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const own = entry(person('juliet@xmpp.example'), by)
    await done(store, [putContact('romeo@sip.example', 'allow', own)])
    store.learn(ROMEO, JULIET, LIMITS)
    await written(store, 1)
    expect((await store.contacts(ROMEO)).allow).toEqual([own])
  })

  test('a later one makes it live longer, an earlier one not shorter', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const expiry = async () => (await store.contacts(ROMEO)).allow[0]?.expires ?? 0
    store.learn(ROMEO, JULIET, { ...LIMITS, lifetime: 10 * DAY })
    await written(store, 1)
    const first = await expiry()
    await using other = await bed.open()
    other.learn(ROMEO, JULIET, { ...LIMITS, lifetime: 20 * DAY })
    await written(other, 1)
    expect((await expiry()) - first).toBeGreaterThan(9 * DAY)
    const longer = await expiry()
    await using third = await bed.open()
    third.learn(ROMEO, JULIET, { ...LIMITS, lifetime: DAY })
    await written(third, 1)
    expect(await expiry()).toBe(longer)
  })

  test('of the learned entries of one user the oldest go; what is not learned does not count', async () => {
    await using bed = await makeBed()
    const clock = movedClock()
    await using store = await bed.open({ clock })
    await done(store, [putContact('romeo@sip.example', 'allow', entry(person('nurse@xmpp.example'), 'user'))])
    for (let i = 0; i < 6; i++) {
      store.learn(ROMEO, address(`friend${i}@xmpp.example`), LIMITS)
      store.learn(address('benvolio@sip.example'), address(`friend${i}@xmpp.example`), {
        ...LIMITS,
        perUser: 100,
      })
      clock.move(1000)
    }
    await written(store, 12)
    const { allow } = await store.contacts(ROMEO)
    expect(new Set(allow.map(({ match }) => match.kind === 'address' && match.address.user))).toEqual(
      new Set(['nurse', 'friend3', 'friend4', 'friend5']),
    )
    expect((await store.contacts(address('benvolio@sip.example'))).allow).toHaveLength(6)
  })

  test('an entry that had to make room is learned again at the next message', async () => {
    await using bed = await makeBed()
    const clock = movedClock()
    await using store = await bed.open({ clock })
    const learn = async (name: string, count: number): Promise<void> => {
      clock.move(1000)
      store.learn(ROMEO, address(`${name}@xmpp.example`), { ...LIMITS, perUser: 1 })
      await written(store, count)
    }
    await learn('juliet', 1)
    await learn('nurse', 2)
    await learn('juliet', 3)
    const { allow } = await store.contacts(ROMEO)
    expect(allow.map(({ match }) => match.kind === 'address' && match.address.user)).toEqual(['juliet'])
  })

  test('what was written lately is not written for each message', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    store.learn(ROMEO, JULIET, LIMITS)
    await written(store, 1)
    expect(store.learn(ROMEO, JULIET, LIMITS)).toBe('on-trial')
    expect(store.learnedStats().waiting).toBe(0)
    // Unless somebody has changed the store: the entry may be gone.
    await done(store, [{ do: 'clear-contacts', user: ROMEO, only: 'learned' }])
    store.learn(ROMEO, JULIET, LIMITS)
    expect(store.learnedStats().waiting).toBe(1)
  })

  test('a full queue says no and counts', async () => {
    await using bed = await makeBed()
    await using store = await bed.open({ learnedQueue: 2 })
    const taken = [1, 2, 3, 2].map((i) => store.learn(ROMEO, address(`friend${i}@xmpp.example`), LIMITS))
    expect(taken).toEqual(['on-trial', 'on-trial', 'dropped', 'on-trial'])
    expect(store.learnedStats()).toMatchObject({ waiting: 2, dropped: 1 })
    await written(store, 2)
    expect(store.learn(ROMEO, address('friend3@xmpp.example'), LIMITS)).toBe('on-trial')
  })

  test('what waits is written before the store closes', async () => {
    await using bed = await makeBed()
    const store = await bed.open()
    for (let i = 0; i < 300; i++) store.learn(address(`user${i}@sip.example`), JULIET, LIMITS)
    await store.close()
    await using other = await bed.open()
    for (const i of [0, 150, 299]) {
      expect((await other.contacts(address(`user${i}@sip.example`))).allow).toHaveLength(1)
    }
  })

  test('what has expired is deleted in time', async () => {
    await using bed = await makeBed()
    const time = fakeTime()
    await using store = await bed.open({ clock: time.clock, timers: time.timers })
    // For whom it is still long ago.
    await using witness = await bed.open({ clock: { ...time.clock, wall: () => 0 } })
    store.learn(ROMEO, JULIET, { ...LIMITS, lifetime: 1000 })
    store.learn(ROMEO, address('nurse@xmpp.example'), LIMITS)
    time.pass(100)
    await written(store, 2)
    expect((await witness.contacts(ROMEO)).allow).toHaveLength(2)
    time.pass(600_000)
    await until(
      'the expired entry is deleted',
      async () => (await witness.contacts(ROMEO)).allow.length === 1,
    )
    expect((await store.contacts(ROMEO)).allow).toMatchObject([{ match: person('nurse@xmpp.example') }])
  })

  test('an address that no database can hold is not learned', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    expect(store.learn(ROMEO, { ...JULIET, user: 'x\ud800' as typeof JULIET.user }, LIMITS)).toBe('dropped')
    expect(store.learnedStats()).toMatchObject({ waiting: 0, dropped: 1 })
  })

  test('a name that is too long for an index does not hold up the others', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const long = { ...JULIET, user: noise(6000) as typeof JULIET.user }
    expect(store.learn(ROMEO, long, LIMITS)).toBe('dropped')
    store.learn(ROMEO, { ...JULIET, user: noise(2500) as typeof JULIET.user }, LIMITS)
    await written(store, 1)
    expect((await store.contacts(ROMEO)).allow).toHaveLength(1)
  })

  test('what taught it fails after all: the entry goes, and comes with the next success', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const told: unknown[] = []
    store.onLearned((own) => told.push(own))
    store.learn(ROMEO, JULIET, LIMITS)
    await written(store, 1)
    store.unlearn(ROMEO, JULIET)
    await until('it is taken back', () => store.learnedStats().takenBack === 1)
    expect((await store.contacts(ROMEO)).allow).toEqual([])
    expect(told).toEqual([ROMEO, ROMEO])
    expect(store.learn(ROMEO, JULIET, LIMITS)).toBe('on-trial')
    await written(store, 2)
    expect((await store.contacts(ROMEO)).allow).toHaveLength(1)
  })

  test.for([
    ['learned by an earlier message', 'learned', 1000 * DAY],
    ['learned by an earlier message, and shorter', 'learned', DAY],
    ['put there by the user', 'user', undefined],
    ['put there by an administrator', 'admin', undefined],
  ] as const)('what was there before, %s, is not taken back', async ([, by, lifetime]) => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const expires = lifetime === undefined ? undefined : Date.now() + lifetime
    await done(store, [
      putContact('romeo@sip.example', 'allow', entry(person('juliet@xmpp.example'), by, expires)),
    ])
    store.learn(ROMEO, JULIET, LIMITS)
    await written(store, 1)
    expect(store.learn(ROMEO, JULIET, LIMITS)).toBe('known')
    store.unlearn(ROMEO, JULIET)
    await store.close()
    await using other = await bed.open()
    expect((await other.contacts(ROMEO)).allow).toMatchObject([{ by }])
  })

  test('what another process has learned too is not taken back', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    store.learn(ROMEO, JULIET, LIMITS)
    await written(store, 1)
    await using other = await bed.open()
    other.learn(ROMEO, JULIET, { ...LIMITS, lifetime: 91 * DAY })
    await written(other, 1)
    store.unlearn(ROMEO, JULIET)
    await takenBack(store, 1)
    expect((await store.contacts(ROMEO)).allow).toHaveLength(1)
  })

  test('an administrator who takes the entry over meanwhile keeps it', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    store.learn(ROMEO, JULIET, LIMITS)
    await written(store, 1)
    const own = entry(person('juliet@xmpp.example'), 'admin')
    await done(store, [putContact('romeo@sip.example', 'allow', own)])
    store.unlearn(ROMEO, JULIET)
    await takenBack(store, 1)
    expect((await store.contacts(ROMEO)).allow).toEqual([own])
  })

  describe('another process that watches', () => {
    /** Two processes in a time of their own: what the second is told of the first. */
    const watched = async (bed: StoreBed) => {
      const time = fakeTime()
      const [writer, watcher] = [await bed.open(time), await bed.open(time)]
      const told: (string | undefined)[] = []
      watcher.onLearned((own) => told.push(own && textOfAddress(own)))
      const revisions: unknown[] = []
      watcher.watch((revision) => revisions.push(revision))
      const close = async (): Promise<void> => {
        await writer.close()
        await watcher.close()
      }
      return { time, writer, watcher, told, revisions, [Symbol.asyncDispose]: close }
    }
    /** Time for something to be written, and what remains of a second for the other to look; reading takes none of it. */
    const within = async (
      { time }: { readonly time: FakeTime },
      write: Promise<void>,
      what: string,
      test: () => boolean,
    ): Promise<void> => {
      time.pass(200)
      await write
      time.pass(800)
      await until(what, test)
    }

    test('is told within a second of each user whose entries were learned, and of no other', async () => {
      await using bed = await makeBed()
      await using two = await watched(bed)
      two.writer.learn(ROMEO, JULIET, LIMITS)
      two.writer.learn(ROMEO, address('nurse@xmpp.example'), LIMITS)
      await within(two, written(two.writer, 2), 'Romeo is told', () => two.told.length > 0)
      expect(two.told).toEqual(['romeo@sip.example'])
      two.writer.learn(address('benvolio@sip.example'), JULIET, LIMITS)
      await within(two, written(two.writer, 3), 'Benvolio is told', () => two.told.length > 1)
      expect(two.told).toEqual(['romeo@sip.example', 'benvolio@sip.example'])
      // Learned entries are no change of an administrator's, for which everybody would be forgotten.
      expect(two.revisions).toEqual([])
    })

    test('is told when one is taken back', async () => {
      await using bed = await makeBed()
      await using two = await watched(bed)
      two.writer.learn(ROMEO, JULIET, LIMITS)
      await within(two, written(two.writer, 1), 'it is told', () => two.told.length > 0)
      two.writer.unlearn(ROMEO, JULIET)
      await within(two, takenBack(two.writer, 1), 'it is told again', () => two.told.length > 1)
      expect((await two.watcher.contacts(ROMEO)).allow).toEqual([])
    })

    test('is told of what it has written itself, and of what another has written meanwhile', async () => {
      await using bed = await makeBed()
      await using two = await watched(bed)
      two.watcher.learn(ROMEO, JULIET, LIMITS)
      await within(two, written(two.watcher, 1), 'it tells itself', () => two.told.length > 0)
      two.writer.learn(address('benvolio@sip.example'), JULIET, LIMITS)
      await within(two, written(two.writer, 1), 'and hears of the other', () =>
        two.told.includes('benvolio@sip.example'),
      )
      expect(two.told).not.toContain(undefined)
    })

    test('is told of everybody where they are too many to name', async () => {
      await using bed = await makeBed()
      await using two = await watched(bed)
      for (let i = 0; i < 1100; i++) two.writer.learn(address(`user${i}@sip.example`), JULIET, LIMITS)
      await two.writer.close()
      two.time.pass(1000)
      await until('it is told', () => two.told.includes(undefined) || two.told.length === 1100)
    })
  })
}
