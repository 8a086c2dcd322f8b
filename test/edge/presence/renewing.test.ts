import { expect, test } from 'vitest'
import { Exposure } from '../../../src/edge/presence/exposure.ts'
import { Upkeep, type UpkeepOptions } from '../../../src/edge/presence/upkeep.ts'
import { Watch } from '../../../src/edge/presence/watch.ts'
import { TimerWheel } from '../../../src/kernel/timer-wheel.ts'

const pairOf = (direction: 'out' | 'in', i: number) =>
  ({ direction, xmpp: `juliet${i}@xmpp.example`, sip: 'sip:romeo@sip.example' }) as const

const foundIn =
  <T extends { readonly pair: object }>(all: readonly T[]) =>
  (pair: object): T | undefined =>
    all.find((one) => one.pair === pair)

test('when a link is back, both directions are renewed side by side, no more in a second than may be', () => {
  let now = 0
  const clock = { now: () => now, wall: () => now }
  const timers = new TimerWheel({ clock, drive: false })
  const watches = Array.from({ length: 40 }, (_, i) =>
    Object.assign(new Watch(pairOf('out', i), 0), { home: 'main' }),
  )
  const exposures = Array.from({ length: 10 }, (_, i) => new Exposure(pairOf('in', i), 0, 'main'))
  const renewed: string[] = []
  const renew = ({ pair }: Watch | Exposure): void => {
    renewed.push(pair.direction)
  }
  const upkeep = new Upkeep({
    watching: { all: () => watches, find: foundIn(watches), renew, wake: () => {}, settle: () => {} },
    watched: { all: () => exposures, find: foundIn(exposures), renew },
    people: { resolve: () => ({ via: { name: 'xmpp' } }) },
    resume: 20,
    ...{ timers, clock },
  } as unknown as UpkeepOptions)
  const pass = (milliseconds: number): void => {
    for (const end = now + milliseconds; now < end; ) {
      now += 10
      timers.advance()
    }
  }

  upkeep.linkIsLive('xmpp')
  pass(1000)
  expect(renewed).toHaveLength(20)
  expect(renewed.filter((direction) => direction === 'in')).toHaveLength(10)
  pass(2000)
  expect(renewed).toHaveLength(50)
  expect(upkeep.renewing).toBe(0)
})
