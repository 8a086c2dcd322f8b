import { expect, test } from 'vitest'
import { BackPressure } from '../../src/edge/back-pressure.ts'
import { Counters } from '../../src/edge/counters.ts'
import { Learning } from '../../src/edge/learning.ts'
import { LoopGuard } from '../../src/edge/loop-guard.ts'
import { Pipeline } from '../../src/edge/pipeline.ts'
import type { Lesson } from '../../src/edge/subjects.ts'
import { textOfAddress } from '../../src/federation/address.ts'
import type { Snapshot } from '../../src/federation/snapshot.ts'
import { input } from '../federation/fixtures.ts'
import { fakeTime } from '../kernel/fake-time.ts'
import { arrivalOf, countingRandom, FROM_HOME, JULIET, open, ROMEO, recordingLog } from './support.ts'

function rig(world: Snapshot = open(), reached = true, lesson: Lesson = 'on-trial') {
  const time = fakeTime()
  const notes: string[] = []
  const learning = new Learning({
    snapshot: () => world,
    contacts: {
      learn: (own, remote, { lifetime, perUser }) => {
        notes.push(`${textOfAddress(own)} ${textOfAddress(remote)} ${lifetime} ${perUser}`)
        return lesson
      },
      unlearn: (own, remote) => {
        notes.push(`not ${textOfAddress(own)} ${textOfAddress(remote)}`)
      },
    },
  })
  const pipeline = new Pipeline({
    snapshot: () => world,
    exits: {
      toHome: (arrival) => arrival.end({ kind: 'delivered' }),
      toProvider: (arrival) => arrival.end({ kind: 'relayed', status: 202 }),
      toDomain: (arrival) => arrival.end({ kind: 'relayed', status: 404 }),
      toXmpp: (arrival) =>
        arrival.end(reached ? { kind: 'delivered' } : { kind: 'failed', failure: 'no-link' }),
    },
    loops: new LoopGuard({ memory: 10_000, limit: 1000, timers: time.timers }),
    backPressure: new BackPressure({ pressure: () => {}, timers: time.timers }),
    bodies: () => false,
    log: recordingLog(),
    counters: new Counters(),
    clock: time.clock,
    random: countingRandom(),
    timers: time.timers,
    delivered: learning.delivered,
  })
  return { pipeline, notes, learning }
}

const outgoing = (parts = {}) => arrivalOf({ from: ROMEO, to: JULIET, evidence: FROM_HOME, ...parts })

test('a message of our user that was delivered is noted, with what the settings say', () => {
  const { pipeline, notes } = rig()
  const arrival = outgoing()
  pipeline.take(arrival)
  expect(arrival.endings).toEqual([{ kind: 'delivered' }])
  expect(notes).toEqual([`${ROMEO} ${JULIET} 7776000000 500`])
})

const { federation } = input()
const off = open({ federation: { ...federation, learning: { ...federation.learning, enabled: false } } })

test.for([
  ['what was not delivered', outgoing(), rig(open(), false)],
  ['an auto-reply', outgoing({ fields: [['Auto-Submitted', 'auto-replied']] }), rig()],
  ['what came in', arrivalOf(), rig()],
  ['what was refused', outgoing({ evidence: { kind: 'none' } }), rig()],
  ['anything, when it is switched off', outgoing(), rig(off)],
] as const)('not noted: %s', ([, arrival, { pipeline, notes }]) => {
  pipeline.take(arrival)
  expect(arrival.endings).toHaveLength(1)
  expect(notes).toEqual([])
})

test('what was learned on trial is taken back once, when its request fails after all', () => {
  const { pipeline, notes, learning } = rig()
  const [arrival, other] = [outgoing({ body: 'one' }), outgoing({ body: 'two' })]
  expect(learning.isOnTrial(arrival)).toBe(false)
  pipeline.take(arrival)
  expect([learning.isOnTrial(arrival), learning.isOnTrial(other)]).toEqual([true, false])
  for (let i = 0; i < 2; i++) learning.failed(arrival)
  learning.failed(other)
  expect(notes.slice(1)).toEqual([`not ${ROMEO} ${JULIET}`])
})

test.for(['known', 'dropped'] as const)('what was %s is not taken back', (lesson) => {
  const { pipeline, notes, learning } = rig(open(), true, lesson)
  const arrival = outgoing()
  pipeline.take(arrival)
  expect(learning.isOnTrial(arrival)).toBe(false)
  learning.failed(arrival)
  expect(notes).toHaveLength(1)
})
