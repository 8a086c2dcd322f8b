import { describe, expect, test } from 'vitest'
import {
  type Batch,
  type Learned,
  Learner,
  type LearnerOptions,
  type Wrote,
} from '../../src/store/learner.ts'
import { address } from '../compliance/fixtures.ts'
import { fakeTime } from '../kernel/fake-time.ts'

const ROMEO = address('romeo@sip.example')
const LIMITS = { lifetime: 1000, perUser: 5 }
const friend = (i: number) => address(`friend${i}@xmpp.example`)
/** Lets promises that are under way come to their end. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

const NEW: Wrote = { found: [], gone: [], mark: 1 }

function bed(options: Partial<LearnerOptions> = {}) {
  const time = fakeTime()
  const batches: (readonly Learned[])[] = []
  const sweeps: number[] = []
  const faults: unknown[] = []
  const learner = new Learner({
    write: ({ learned }) => {
      batches.push(learned)
      return NEW
    },
    sweep: (now) => {
      sweeps.push(now)
      return false
    },
    onFault: (error) => faults.push(error),
    clock: time.clock,
    timers: time.timers,
    ...options,
  })
  const pass = async (ms: number): Promise<void> => {
    time.pass(ms)
    await settle()
  }
  return { learner, batches, sweeps, faults, pass, time }
}

test('nothing is written while the message is on its way, and all of it a moment later', async () => {
  const { learner, batches, pass, time } = bed()
  for (let i = 0; i < 3; i++) learner.learn(ROMEO, friend(i), LIMITS)
  await pass(99)
  expect(batches).toEqual([])
  await pass(1)
  expect(batches.map((batch) => batch.length)).toEqual([3])
  expect(batches[0]?.[0]).toEqual({
    owner: 'romeo@sip.example',
    target: 'address:friend0@xmpp.example',
    expires: time.clock.wall() - 100 + 1000,
    perUser: 5,
  })
})

test('many are written in parts, with a turn for others in between', async () => {
  const { learner, batches, pass } = bed()
  for (let i = 0; i < 150; i++) learner.learn(ROMEO, friend(i), LIMITS)
  await pass(100)
  expect(batches).toHaveLength(1)
  await pass(1)
  await pass(1)
  expect(batches.map((batch) => batch.length)).toEqual([64, 64, 22])
  expect(learner.learnedStats()).toEqual({
    waiting: 0,
    written: 150,
    takenBack: 0,
    dropped: 0,
    failed: 0,
  })
})

test('the same entry again and again waits once', async () => {
  const { learner, batches, pass } = bed()
  for (let i = 0; i < 1000; i++) learner.learn(ROMEO, friend(0), LIMITS)
  await pass(100)
  expect(batches.map((batch) => batch.length)).toEqual([1])
  await pass(3_600_000)
  learner.learn(ROMEO, friend(0), LIMITS)
  await pass(100)
  expect(batches).toHaveLength(2)
})

test('a write that fails is tried again each second, told once, and nothing is lost', async () => {
  let broken = true
  const written: Learned[] = []
  const { learner, faults, pass } = bed({
    write: async ({ learned }) => {
      if (broken) throw new Error('locked')
      written.push(...learned)
      return NEW
    },
  })
  learner.learn(ROMEO, friend(0), LIMITS)
  await pass(100)
  for (let i = 0; i < 4; i++) await pass(1000)
  expect(learner.learnedStats()).toMatchObject({ failed: 5, waiting: 1 })
  expect(faults).toHaveLength(1)
  learner.learn(ROMEO, friend(1), LIMITS)
  broken = false
  await pass(1000)
  expect(written.map(({ target }) => target)).toEqual([
    'address:friend0@xmpp.example',
    'address:friend1@xmpp.example',
  ])
  broken = true
  learner.learn(ROMEO, friend(2), LIMITS)
  await pass(100)
  expect(faults).toHaveLength(2)
})

test('what is learned while a batch is being written is not lost with it', async () => {
  const ends: (() => void)[] = []
  const { learner, pass } = bed({ write: () => new Promise((resolve) => ends.push(() => resolve(NEW))) })
  learner.learn(ROMEO, friend(0), LIMITS)
  await pass(100)
  learner.learn(ROMEO, friend(0), { ...LIMITS, lifetime: 9000 })
  learner.learn(ROMEO, friend(1), LIMITS)
  await pass(1000)
  expect(ends).toHaveLength(1)
  ends[0]?.()
  await pass(1)
  expect(learner.learnedStats()).toMatchObject({ written: 1, waiting: 2 })
  await pass(10)
  expect(ends).toHaveLength(2)
})

test('closing waits for the batch under way, and ends although the store fails', async () => {
  let end: () => void = () => undefined
  const { learner, pass } = bed({
    write: () =>
      new Promise((resolve) => {
        end = () => resolve(NEW)
      }),
  })
  learner.learn(ROMEO, friend(0), LIMITS)
  await pass(100)
  let closed = false
  const closing = learner.close().then(() => {
    closed = true
  })
  await settle()
  expect(closed).toBe(false)
  end()
  await closing

  const failing = bed({
    write: () => {
      throw new Error('gone')
    },
  })
  failing.learner.learn(ROMEO, friend(0), LIMITS)
  await failing.learner.close()
  expect(failing.learner.learnedStats()).toMatchObject({ waiting: 1, failed: 1 })
  expect(failing.learner.learn(ROMEO, friend(1), LIMITS)).toBe('dropped')
})

test('expired entries are swept every ten minutes, whatever becomes of one sweep', async () => {
  let broken = true
  const sweeps: number[] = []
  const { faults, pass, learner } = bed({
    sweep: (now) => {
      if (broken) throw new Error('locked')
      sweeps.push(now)
      return false
    },
  })
  await pass(600_000)
  expect(faults).toHaveLength(1)
  broken = false
  await pass(600_000)
  expect(sweeps).toHaveLength(1)
  await learner.close()
  await pass(600_000)
  expect(sweeps).toHaveLength(1)
})

test('a sweep that has left something goes on a second later', async () => {
  const left = [true, true, false]
  const { pass, learner } = bed({ sweep: () => left.shift() ?? false })
  await pass(600_000)
  for (let i = 0; i < 5; i++) await pass(1000)
  expect(left).toEqual([])
  await learner.close()
})

describe('a message that fails after it has taught', () => {
  /** Writes whole batches when told, and keeps what a database would. */
  function database() {
    const rows = new Map<string, number | null>()
    const keyOf = ({ owner, target }: Pick<Learned, 'owner' | 'target'>): string => `${owner} ${target}`
    const writes: Batch[] = []
    let wait: Promise<void> | undefined
    let go: () => void = () => undefined
    const write = async (batch: Batch): Promise<Wrote> => {
      await wait
      writes.push(batch)
      for (const entry of batch.unlearned)
        if (rows.get(keyOf(entry)) === entry.expires) rows.delete(keyOf(entry))
      const found = batch.learned.flatMap((entry) => {
        const expires = rows.get(keyOf(entry))
        if (expires !== null) rows.set(keyOf(entry), Math.max(entry.expires, expires ?? 0))
        return expires === undefined ? [] : [{ ...entry, expires }]
      })
      return { found, gone: [], mark: writes.length }
    }
    const hold = (): void => {
      wait = new Promise((resolve) => {
        go = resolve
      })
    }
    return { rows, writes, write, hold, release: () => go() }
  }
  const KEY = 'romeo@sip.example address:friend0@xmpp.example'
  const setup = () => {
    const base = database()
    const told: unknown[] = []
    const rig = bed({ write: base.write })
    rig.learner.onLearned((own) => told.push(own))
    const learn = (lifetime = 1_000_000) => rig.learner.learn(ROMEO, friend(0), { ...LIMITS, lifetime })
    const unlearn = (): void => rig.learner.unlearn(ROMEO, friend(0))
    return { ...base, ...rig, told, learn, unlearn }
  }

  test('before the entry is written: it never is', async () => {
    const { learn, unlearn, pass, rows, learner } = setup()
    expect(learn()).toBe('on-trial')
    unlearn()
    await pass(100)
    expect(rows.size).toBe(0)
    expect(learner.learnedStats()).toMatchObject({ waiting: 0, written: 0, takenBack: 0 })
  })

  test('after it was written: it goes, its user is told, and the next success learns it anew', async () => {
    const { learn, unlearn, pass, rows, told, learner } = setup()
    learn()
    await pass(100)
    expect([...rows.keys()]).toEqual([KEY])
    unlearn()
    await pass(100)
    expect(rows.size).toBe(0)
    expect(told).toEqual([ROMEO, ROMEO])
    expect(learner.learnedStats()).toMatchObject({ written: 1, takenBack: 1 })
    expect(learn()).toBe('on-trial')
    await pass(100)
    expect([...rows.keys()]).toEqual([KEY])
  })

  test('while it is being written: it goes right after', async () => {
    const { learn, unlearn, pass, rows, hold, release, writes } = setup()
    hold()
    learn()
    await pass(100)
    unlearn()
    release()
    await pass(1)
    await pass(100)
    expect(writes.map(({ learned, unlearned }) => [learned.length, unlearned.length])).toEqual([
      [1, 0],
      [0, 1],
    ])
    expect(rows.size).toBe(0)
  })

  test('one of two: the entry stays; both: it goes, however far apart', async () => {
    const { learn, unlearn, pass, rows } = setup()
    learn()
    await pass(100)
    expect(learn()).toBe('on-trial')
    unlearn()
    await pass(100_000)
    expect(rows.size).toBe(1)
    unlearn()
    await pass(100)
    expect(rows.size).toBe(0)
  })

  test('more failures than messages take nothing else back', async () => {
    const { learn, unlearn, pass, rows } = setup()
    learn()
    learn()
    unlearn()
    await pass(100)
    expect(rows.size).toBe(1)
    unlearn()
    unlearn()
    learn()
    unlearn()
    unlearn()
    learn()
    await pass(200)
    expect(rows.size).toBe(1)
  })

  test('an entry that has stood the time of late errors stays, whatever fails later', async () => {
    const { learn, unlearn, pass, rows } = setup()
    learn()
    await pass(100)
    await pass(120_000)
    expect(learn()).toBe('known')
    unlearn()
    await pass(100)
    expect(rows.size).toBe(1)
  })

  test.for([
    ['learned before', 999_999_999_999_999],
    ['put there by somebody, without an expiry', null],
  ] as const)('an entry that was there already, %s, stays', async ([, expires]) => {
    const { learn, unlearn, pass, rows } = setup()
    rows.set(KEY, expires)
    learn()
    await pass(100)
    expect(learn()).toBe('known')
    unlearn()
    unlearn()
    await pass(100)
    expect(rows.get(KEY)).toBe(expires)
  })

  test('one that had expired, and was only not yet swept, was not there', async () => {
    const { learn, unlearn, pass, rows } = setup()
    rows.set(KEY, 1)
    learn()
    await pass(100)
    unlearn()
    await pass(100)
    expect(rows.size).toBe(0)
  })

  test('one that another process has made live longer stays: it was learned there too', async () => {
    const { learn, unlearn, pass, rows } = setup()
    learn()
    await pass(100)
    rows.set(KEY, Number(rows.get(KEY)) + 5)
    unlearn()
    await pass(100)
    expect(rows.size).toBe(1)
  })

  test('a change by somebody in between makes no difference', async () => {
    const { learn, unlearn, pass, rows, learner } = setup()
    learn()
    await pass(100)
    learner.forget()
    learn()
    await pass(100)
    unlearn()
    unlearn()
    await pass(100)
    expect(rows.size).toBe(0)
  })

  test('a store that fails meanwhile: nothing is written for what has failed', async () => {
    let broken = true
    const base = database()
    const { learner, pass } = bed({
      write: (batch) => {
        if (broken) throw new Error('locked')
        return base.write(batch)
      },
    })
    learner.learn(ROMEO, friend(0), LIMITS)
    learner.learn(ROMEO, friend(1), LIMITS)
    await pass(100)
    learner.unlearn(ROMEO, friend(0))
    broken = false
    await pass(1000)
    expect([...base.rows.keys()]).toEqual(['romeo@sip.example address:friend1@xmpp.example'])
  })

  test('what is to be taken back is, before the store closes', async () => {
    const { learn, unlearn, pass, rows, learner } = setup()
    learn()
    await pass(100)
    unlearn()
    await learner.close()
    expect(rows.size).toBe(0)
  })
})
