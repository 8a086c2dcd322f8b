import { expect, test } from 'vitest'
import type { PresencePair, StoredAuthorization, StoredDialog } from '../../src/edge/presence/store.ts'
import type { PresenceBatch } from '../../src/store/presence-rows.ts'
import { PresenceWriter, type PresenceWriterOptions } from '../../src/store/presence-writer.ts'
import { fakeTime } from '../kernel/fake-time.ts'

const PAIR: PresencePair = { direction: 'in', xmpp: 'juliet@xmpp.example', sip: 'sip:romeo@sip.example' }
const GRANTED: StoredAuthorization = { ...PAIR, state: 'granted', since: 1 }
const dialog = (i: number): StoredDialog => ({ ...PAIR, id: `tag-${i}`, until: 5, body: '{}' })
/** Lets promises that are under way come to their end. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

function bed(rows: Partial<PresenceWriterOptions['rows']> = {}) {
  const time = fakeTime()
  const batches: PresenceBatch[] = []
  const faults: unknown[] = []
  const writer = new PresenceWriter({
    rows: {
      async write(batch) {
        batches.push(batch)
      },
      sweep: async () => false,
      ...rows,
    },
    onFault: (error) => faults.push(error),
    clock: time.clock,
    timers: time.timers,
  })
  const pass = async (ms: number): Promise<void> => {
    time.pass(ms)
    await settle()
  }
  return { writer, batches, faults, pass, time }
}

test('nothing is written at once, and all of it a tenth of a second later', async () => {
  const { writer, batches, pass } = bed()
  writer.keepAuthorization(GRANTED)
  for (let i = 0; i < 3; i++) writer.keepDialog(dialog(i))
  writer.dropDialog('tag-9')
  await pass(99)
  expect(batches).toEqual([])
  expect(writer.presenceStats()).toEqual({ waiting: 5, written: 0, failed: 0 })
  await pass(1)
  expect(batches).toEqual([
    {
      droppedPairs: [],
      droppedDialogs: ['tag-9'],
      authorizations: [GRANTED],
      dialogs: [dialog(0), dialog(1), dialog(2)],
    },
  ])
  expect(writer.presenceStats()).toEqual({ waiting: 0, written: 5, failed: 0 })
  await pass(1000)
  expect(batches).toHaveLength(1)
})

test('many are written in parts, with a turn for others in between', async () => {
  const { writer, batches, pass } = bed()
  for (let i = 0; i < 1200; i++) writer.keepDialog(dialog(i))
  await pass(100)
  expect(batches).toHaveLength(1)
  await pass(1)
  await pass(1)
  expect(batches.map(({ dialogs }) => dialogs.length)).toEqual([500, 500, 200])
})

test('a write that fails is tried again each second, told once, and nothing is lost', async () => {
  let broken = true
  const written: string[] = []
  const { writer, faults, pass } = bed({
    async write({ dialogs }) {
      if (broken) throw new Error('locked')
      written.push(...dialogs.map(({ id }) => id))
    },
  })
  writer.keepDialog(dialog(0))
  await pass(100)
  for (let i = 0; i < 4; i++) await pass(1000)
  expect(writer.presenceStats()).toEqual({ waiting: 1, written: 0, failed: 5 })
  expect(faults).toHaveLength(1)
  writer.keepDialog(dialog(1))
  broken = false
  await pass(1000)
  expect(written).toEqual(['tag-0', 'tag-1'])
  broken = true
  writer.keepDialog(dialog(2))
  await pass(100)
  expect(faults).toHaveLength(2)
})

test('closing waits for the batch under way, writes the rest, and ends although the store fails', async () => {
  const ends: (() => void)[] = []
  const { writer, pass } = bed({ write: () => new Promise((resolve) => ends.push(resolve)) })
  writer.keepDialog(dialog(0))
  await pass(100)
  writer.keepDialog(dialog(1))
  let closed = false
  const closing = writer.close().then(() => {
    closed = true
  })
  ends[0]?.()
  await settle()
  expect([ends.length, closed]).toEqual([2, false])
  ends[1]?.()
  await closing
  expect(writer.presenceStats()).toEqual({ waiting: 0, written: 2, failed: 0 })

  const failing = bed({ write: () => Promise.reject(new Error('gone')) })
  failing.writer.keepDialog(dialog(0))
  await failing.writer.close()
  expect(failing.writer.presenceStats()).toEqual({ waiting: 1, written: 0, failed: 1 })
})

test('dialogs that are over are swept every ten minutes, and again a second later while there are more', async () => {
  const sweeps: number[] = []
  const { writer, pass, time } = bed({ sweep: async (now) => sweeps.push(now) < 3 })
  await pass(599_999)
  expect(sweeps).toEqual([])
  await pass(1)
  expect(sweeps).toEqual([time.clock.wall()])
  await pass(1000)
  await pass(1000)
  expect(sweeps).toHaveLength(3)
  await pass(599_999)
  expect(sweeps).toHaveLength(3)
  await writer.close()
  await pass(1_000_000)
  expect(sweeps).toHaveLength(3)
})

test('what no database would take does not hold up the rest, and is told once a minute', async () => {
  const { writer, batches, faults, pass } = bed()
  writer.keepDialog({ ...dialog(0), xmpp: 'x\ud800@xmpp.example' })
  writer.keepDialog({ ...dialog(1), sip: 'sip:x\0@sip.example' })
  writer.keepDialog({ ...dialog(2), until: 1.5 })
  writer.keepAuthorization({ ...GRANTED, xmpp: `${'x'.repeat(2600)}@xmpp.example` })
  writer.dropPair({ ...PAIR, sip: '\0' })
  writer.dropDialog('\0')
  expect(writer.presenceStats().waiting).toBe(0)
  expect(faults.map(String)).toEqual([
    'Error: a dialog of presence is not kept: its names are too long, or it is not what a database can hold',
  ])
  writer.keepDialog(dialog(3))
  await pass(60_000)
  expect(batches.flatMap(({ dialogs }) => dialogs)).toEqual([dialog(3)])
  writer.keepAuthorization({ ...GRANTED, since: Number.NaN })
  expect(faults).toHaveLength(2)
})
