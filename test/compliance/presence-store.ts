import { expect, test } from 'vitest'
import type {
  PresencePair,
  StoredAuthorization,
  StoredDialog,
  StoredPresence,
} from '../../src/edge/presence/store.ts'
import type { Store } from '../../src/store/store.ts'
import { fakeTime } from '../kernel/fake-time.ts'
import { type MakeBed, movedClock, until } from './bed.ts'
import { ALICE, fine, noise, putHome } from './fixtures.ts'

const HOUR = 3_600_000
const SOON = Date.now() + HOUR
const pair = (
  direction: PresencePair['direction'],
  xmpp = 'juliet@xmpp.example',
  sip = 'sip:romeo@sip.example',
): PresencePair => ({ direction, xmpp, sip })
const OUT = pair('out')
const IN = pair('in')
const granted = (of: PresencePair): StoredAuthorization => ({
  ...of,
  state: 'granted',
  since: 1_700_000_000_123,
})
const dialog = (of: PresencePair, id: string, fields: Partial<StoredDialog> = {}): StoredDialog => ({
  ...of,
  id,
  until: SOON,
  body: `{"id":"${id}"}`,
  ...fields,
})

async function partsOf(store: Store): Promise<readonly StoredPresence[]> {
  const parts: StoredPresence[] = []
  for await (const part of store.loadPresence()) parts.push(part)
  return parts
}

async function all(store: Store): Promise<StoredPresence> {
  const parts = await partsOf(store)
  return {
    authorizations: parts.flatMap(({ authorizations }) => authorizations),
    dialogs: parts.flatMap(({ dialogs }) => dialogs),
  }
}

const written = (store: Store): Promise<void> =>
  until('nothing of presence waits', () => store.presenceStats().waiting === 0)

/** What every `PresenceStore` does. */
export function presenceStoreSuite(makeBed: MakeBed): void {
  test('what is kept is there for the next process, every field of it', async () => {
    await using bed = await makeBed()
    const kept = {
      authorizations: [granted(IN), { ...OUT, state: 'asked', since: 5 } as const],
      dialogs: [
        dialog(IN, 'a', { body: JSON.stringify({ route: ['<sip:"ü"@x;lr>'], cseq: 2 }) }),
        dialog(OUT, 'b', { until: SOON + 7 }),
      ],
    }
    {
      await using store = await bed.open()
      expect(await partsOf(store)).toEqual([])
      for (const each of kept.authorizations) store.keepAuthorization(each)
      for (const each of kept.dialogs) store.keepDialog(each)
      expect(store.presenceStats()).toEqual({ waiting: 4, written: 0, failed: 0 })
      await written(store)
      expect(store.presenceStats()).toEqual({ waiting: 0, written: 4, failed: 0 })
    }
    await using store = await bed.open()
    expect(await all(store)).toEqual(kept)
  })

  test('the last one wins, whether the one before it was written or waits', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    for (const round of [1, 2]) {
      store.keepAuthorization({ ...IN, state: 'asked', since: round })
      store.keepDialog(dialog(IN, 'a', { until: SOON + round, body: `${round}` }))
      store.keepAuthorization({ ...IN, state: 'granted', since: 10 * round })
      store.keepDialog(dialog(IN, 'a', { until: SOON + 10 * round, body: `${10 * round}` }))
      await written(store)
    }
    expect(await all(store)).toEqual({
      authorizations: [{ ...IN, state: 'granted', since: 20 }],
      dialogs: [dialog(IN, 'a', { until: SOON + 20, body: '20' })],
    })
  })

  test.for(['written', 'waiting'] as const)(
    'a pair is dropped with its dialogs that are %s, and no other',
    async (state) => {
      await using bed = await makeBed()
      await using store = await bed.open()
      const others = [
        OUT,
        pair('in', 'nurse@xmpp.example'),
        pair('in', 'juliet@xmpp.example', 'sip:benvolio@sip.example'),
      ]
      for (const [i, each] of [IN, ...others].entries()) {
        store.keepAuthorization(granted(each))
        store.keepDialog(dialog(each, `a${i}`))
        store.keepDialog(dialog(each, `b${i}`))
      }
      if (state === 'written') await written(store)
      store.dropPair(IN)
      await written(store)
      const left = await all(store)
      expect(left.authorizations).toHaveLength(3)
      expect(left.dialogs).toHaveLength(6)
      expect([...left.authorizations, ...left.dialogs]).not.toContainEqual(expect.objectContaining(IN))
    },
  )

  test.for(['in one batch', 'one by one'] as const)(
    'dropped and kept again, %s: the order is respected',
    async (how) => {
      await using bed = await makeBed()
      await using store = await bed.open()
      const step = how === 'in one batch' ? async () => undefined : () => written(store)
      store.keepAuthorization({ ...IN, state: 'asked', since: 1 })
      for (const id of ['a', 'b', 'c']) store.keepDialog(dialog(IN, id))
      await step()
      store.dropPair(IN)
      await step()
      store.keepAuthorization(granted(IN))
      store.keepDialog(dialog(IN, 'b', { body: 'again' }))
      await step()
      store.dropDialog('b')
      store.keepDialog(dialog(IN, 'd'))
      await step()
      store.keepDialog(dialog(IN, 'b', { body: 'once more' }))
      await step()
      store.dropDialog('d')
      await written(store)
      expect(await all(store)).toEqual({
        authorizations: [granted(IN)],
        dialogs: [dialog(IN, 'b', { body: 'once more' })],
      })
    },
  )

  test('what waits is written before the store closes', async () => {
    await using bed = await makeBed()
    const store = await bed.open()
    for (let i = 0; i < 1500; i++) store.keepDialog(dialog(IN, `tag-${i}`))
    await store.close()
    expect(store.presenceStats()).toEqual({ waiting: 0, written: 1500, failed: 0 })
    await using other = await bed.open()
    expect((await all(other)).dialogs).toHaveLength(1500)
  })

  test('is loaded in parts: authorizations first, each row once, in the order of keys', async () => {
    await using bed = await makeBed()
    const store = await bed.open()
    const names = Array.from({ length: 1500 }, (_, i) => `user${i}@xmpp.example`)
    for (const xmpp of names) {
      for (const direction of ['in', 'out'] as const) {
        for (const sip of ['sip:b@sip.example', 'sip:B@sip.example']) {
          store.keepAuthorization(granted({ direction, xmpp, sip }))
          store.keepDialog(dialog({ direction, xmpp, sip }, `${sip}${direction}${xmpp}`))
        }
      }
    }
    await store.close()
    await using other = await bed.open()
    const parts = await partsOf(other)
    expect(parts.length).toBeGreaterThan(10)
    for (const { authorizations, dialogs } of parts) {
      expect(authorizations.length + dialogs.length).toBeLessThanOrEqual(1000)
      expect(authorizations.length === 0 || dialogs.length === 0).toBe(true)
    }
    const lastOfAuthorizations = parts.findLastIndex(({ authorizations }) => authorizations.length > 0)
    expect(lastOfAuthorizations).toBeLessThan(parts.findIndex(({ dialogs }) => dialogs.length > 0))
    const loaded = await all(other)
    for (const keys of [
      loaded.authorizations.map(({ direction, xmpp, sip }) => `${direction} ${xmpp} ${sip}`),
      loaded.dialogs.map(({ id }) => id),
    ]) {
      expect(new Set(keys).size).toBe(6000)
      expect(keys).toEqual([...keys].sort())
    }
  })

  test('dialogs that are over are left out, and deleted in time', async () => {
    await using bed = await makeBed()
    const time = fakeTime()
    const at = time.clock.wall()
    await using store = await bed.open({ clock: time.clock, timers: time.timers })
    // For whom it is still long ago.
    await using witness = await bed.open({ clock: { ...time.clock, wall: () => 0 } })
    store.keepDialog(dialog(IN, 'over', { until: at + 200 }))
    store.keepDialog(dialog(IN, 'late', { until: at + HOUR }))
    store.keepDialog(dialog(IN, 'refreshed', { until: at + 200 }))
    time.pass(100)
    await written(store)
    expect((await all(store)).dialogs).toHaveLength(3)
    store.keepDialog(dialog(IN, 'refreshed', { until: at + HOUR }))
    time.pass(100)
    await written(store)
    const ids = async (of: Store) => (await all(of)).dialogs.map(({ id }) => id)
    expect(await ids(store)).toEqual(['late', 'refreshed'])
    expect(await ids(witness)).toEqual(['late', 'over', 'refreshed'])
    time.pass(600_000)
    await until('the dialog is deleted', async () => (await ids(witness)).length === 2)
    expect(await ids(witness)).toEqual(['late', 'refreshed'])
  })

  test('many that are over: nothing is given, and all are deleted by and by', async () => {
    await using bed = await makeBed()
    const time = fakeTime()
    const at = time.clock.wall()
    const store = await bed.open()
    for (let i = 0; i < 2500; i++) store.keepDialog(dialog(IN, `tag-${i}`, { until: at }))
    store.keepDialog(dialog(IN, 'tag-x', { until: at + 2 * HOUR }))
    await store.close()
    await using other = await bed.open({ clock: time.clock, timers: time.timers })
    expect(await partsOf(other)).toEqual([
      { authorizations: [], dialogs: [dialog(IN, 'tag-x', { until: at + 2 * HOUR })] },
    ])
    await using witness = await bed.open({ clock: { ...time.clock, wall: () => 0 } })
    time.pass(600_000)
    await until('they are deleted', async () => {
      time.pass(1000)
      return (await all(witness)).dialogs.length === 1
    })
  })

  test('a dialog lives on where its time is moved', async () => {
    await using bed = await makeBed()
    const clock = movedClock()
    await using store = await bed.open({ clock })
    store.keepDialog(dialog(IN, 'a', { until: clock.wall() + HOUR }))
    await written(store)
    clock.move(HOUR)
    expect((await all(store)).dialogs).toEqual([])
    store.keepDialog(dialog(IN, 'a', { until: clock.wall() + HOUR }))
    await written(store)
    expect((await all(store)).dialogs).toHaveLength(1)
  })

  test('is no change of an administrator’s: no revision, nobody is told, nothing in the log', async () => {
    await using bed = await makeBed()
    await using store = await bed.open({ watchEvery: 5 })
    await using other = await bed.open({ watchEvery: 5 })
    const told: unknown[] = []
    other.watch((revision) => told.push(revision))
    store.keepAuthorization(granted(IN))
    store.keepDialog(dialog(IN, 'a'))
    await written(store)
    store.dropPair(IN)
    await written(store)
    expect((await store.change(ALICE, [putHome('main')], { check: fine })).ok).toBe(true)
    await until('the change is told', () => told.length > 0)
    expect(told).toEqual([{ all: 2, rows: 2 }])
    expect((await store.audit({ limit: 10 })).rows).toHaveLength(1)
  })

  test('the longest names that are kept, of a kind that cannot be compressed', async () => {
    await using bed = await makeBed()
    await using store = await bed.open()
    const long = pair('out', noise(1300), noise(2600).slice(1300))
    store.keepAuthorization(granted(long))
    store.keepDialog(dialog(long, noise(2600)))
    await written(store)
    expect(await all(store)).toMatchObject({ authorizations: [long], dialogs: [long] })
  })

  test.for([
    [
      'direction',
      'presence_authorizations',
      'presence_authorizations "in juliet@xmpp.example sip:romeo@sip.example"',
      'there is no direction "up"',
    ],
    [
      'state',
      'presence_authorizations',
      'presence_authorizations "in juliet@xmpp.example sip:romeo@sip.example"',
      'there is no state "up"',
    ],
    ['direction', 'presence_dialogs', 'presence_dialogs "a"', 'there is no direction "up"'],
  ] as const)('a %s in %s that is none of ours', async ([column, table, row, why]) => {
    await using bed = await makeBed()
    await using store = await bed.open()
    store.keepAuthorization(granted(IN))
    store.keepDialog(dialog(IN, 'a'))
    await written(store)
    await bed.execute(`update ${table} set ${column} = 'up'`)
    const named = column === 'direction' ? row.replace('"in ', '"up ') : row
    await expect(partsOf(store)).rejects.toMatchObject({
      problem: {
        code: 'damaged',
        message: `the row ${named} in the store cannot be read: ${why}`,
      },
    })
  })
}
