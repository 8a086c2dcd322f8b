import { expect, test } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { patientClock, pause, until } from './patient-clock.ts'

const block = (ms: number): void => {
  const end = systemClock.now() + ms
  while (systemClock.now() < end);
}
const turn = () => new Promise((resolve) => setTimeout(resolve, 0))

test('a stall counts for 10 ms, and time goes on after it', async () => {
  const from = patientClock.now()
  block(100)
  await turn()
  expect(patientClock.now() - from).toBeLessThanOrEqual(20)
  await pause(30)
  expect(patientClock.now() - from).toBeGreaterThanOrEqual(30)
})

test('it is never ahead of real time', async () => {
  const from = { patient: patientClock.now(), real: systemClock.now() }
  await pause(50)
  // The step under way may have begun before.
  expect(patientClock.now() - from.patient).toBeLessThanOrEqual(systemClock.now() - from.real + 10)
})

test('a condition is waited for through stalls, and not for ever', async () => {
  let turns = 0
  await until(() => {
    block(20)
    turns++
    return turns === 10
  }, 150)
  await expect(until(() => false, 30)).rejects.toThrow('it did not happen in time')
})
