import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { TimerWheel } from '../../src/kernel/timer-wheel.ts'
import { fakeTime } from './fake-time.ts'

function manual(start = 0, tick = 10) {
  let now = start
  const clock = { now: () => now, wall: () => now }
  const errors: unknown[] = []
  const wheel = new TimerWheel({ clock, tick, drive: false, onError: (error) => errors.push(error) })
  return {
    wheel,
    errors,
    at(time: number) {
      now = time
      wheel.advance()
    },
    move(time: number) {
      now = time
    },
  }
}

describe('TimerWheel', () => {
  test('fires once, at the first tick at or after its time, never early', () => {
    const { wheel, at } = manual()
    const fire = vi.fn()
    wheel.set(25, fire)
    at(20)
    at(24)
    expect(fire).not.toHaveBeenCalled()
    at(30)
    at(40)
    at(10_000)
    expect(fire).toHaveBeenCalledTimes(1)
    expect(wheel.size).toBe(0)
  })

  test('an argument is given to the function when it fires', () => {
    const { wheel, at } = manual()
    const fired: string[] = []
    const fire = (name: string): void => {
      fired.push(name)
    }
    wheel.set(10, fire, 'first')
    wheel.set(20, fire, 'second')
    at(10)
    expect(fired).toEqual(['first'])
    at(20)
    expect(fired).toEqual(['first', 'second'])
  })

  test('a cancelled timer never fires; cancelling again changes nothing', () => {
    const { wheel, at } = manual()
    const fire = vi.fn()
    const timer = wheel.set(10, fire)
    wheel.set(10, () => {})
    timer.cancel()
    timer.cancel()
    expect(wheel.size).toBe(1)
    at(1000)
    timer.cancel()
    expect(fire).not.toHaveBeenCalled()
    expect(wheel.size).toBe(0)
  })

  test('delays longer than a revolution of the wheel', () => {
    const { wheel, at } = manual()
    const fired: number[] = []
    for (const delay of [5_110, 5_120, 5_130, 32_000, 600_000]) wheel.set(delay, () => fired.push(delay))
    for (let now = 0; now <= 31_990; now += 10) at(now)
    expect(fired).toEqual([5_110, 5_120, 5_130])
    at(32_000)
    at(599_999)
    expect(fired).toHaveLength(4)
    at(600_000)
    expect(fired).toHaveLength(5)
  })

  test('after a long standstill everything due fires, the rest stays', () => {
    const { wheel, at } = manual()
    const fired: number[] = []
    for (const delay of [10, 100, 5_000, 19_990, 20_010]) wheel.set(delay, () => fired.push(delay))
    at(20_000)
    expect(fired.sort((a, b) => a - b)).toEqual([10, 100, 5_000, 19_990])
    at(20_010)
    expect(fired).toHaveLength(5)
  })

  test('a timer set while the wheel lags behind the clock is not lost', () => {
    const { wheel, at, move } = manual()
    const fire = vi.fn()
    wheel.set(10, () => {})
    move(9_000)
    wheel.set(5, fire)
    at(9_000)
    expect(fire).not.toHaveBeenCalled()
    at(9_010)
    expect(fire).toHaveBeenCalledTimes(1)
  })

  test('a callback may set and cancel timers; a delay of 0 waits for the next tick', () => {
    const { wheel, at } = manual()
    const order: string[] = []
    const second = () => order.push('second')
    wheel.set(10, () => {
      order.push('first')
      victim.cancel()
      wheel.set(0, second)
    })
    const victim = wheel.set(10, () => order.push('victim'))
    at(10)
    expect(order).toEqual(['first'])
    at(20)
    expect(order).toEqual(['first', 'second'])
  })

  test('a callback that throws is reported and holds nobody up', () => {
    const { wheel, at, errors } = manual()
    const fire = vi.fn()
    wheel.set(10, () => {
      throw new Error('broken')
    })
    wheel.set(10, fire)
    wheel.set(20, fire)
    at(20)
    expect(fire).toHaveBeenCalledTimes(2)
    expect(errors).toEqual([new Error('broken')])
  })

  test('a time that is no number is refused', () => {
    const { wheel } = manual()
    expect(() => wheel.set(Number.NaN, () => {})).toThrow(RangeError)
    expect(() => wheel.set(Number.POSITIVE_INFINITY, () => {})).toThrow(RangeError)
    expect(wheel.size).toBe(0)
  })

  test('fractional clocks: every timer fires within one tick of its time', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            at: fc.double({ min: 0, max: 8_000, noNaN: true }),
            delay: fc.double({ min: 0, max: 12_000, noNaN: true }),
          }),
          { maxLength: 30 },
        ),
        fc.double({ min: 0.1, max: 9.9, noNaN: true }),
        (timers, phase) => {
          const { wheel, at, move } = manual()
          const late: number[] = []
          let now = 0
          const pending = [...timers].sort((a, b) => a.at - b.at)
          for (let step = phase; step < 21_000; step += 10) {
            while (pending[0] !== undefined && pending[0].at <= step) {
              const { at: start, delay } = pending.shift() as { at: number; delay: number }
              move(Math.max(start, now))
              const due = Math.max(start, now) + delay
              wheel.set(delay, () => late.push(now - due))
            }
            now = step
            at(step)
          }
          expect(late).toHaveLength(timers.length)
          for (const by of late) expect(by >= -1e-6 && by <= 20.001).toBe(true)
        },
      ),
      { numRuns: 50 },
    )
  })

  test('drives itself on the real clock, and stops when nothing is set', async () => {
    const wheel = new TimerWheel({ clock: systemClock })
    const before = systemClock.now()
    await new Promise<void>((resolve) => wheel.set(30, resolve))
    expect(systemClock.now() - before).toBeGreaterThanOrEqual(30)
    expect(wheel.size).toBe(0)
  })

  test('the fake time of the tests gives each timer its own time', () => {
    const time = fakeTime()
    const seen: number[] = []
    for (const delay of [3, 1, 2]) time.timers.set(delay, () => seen.push(time.clock.now()))
    time.pass(5)
    expect(seen).toEqual([1, 2, 3])
  })
})
