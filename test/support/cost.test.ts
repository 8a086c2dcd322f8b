import { expect, test } from 'vitest'
import { isLinear } from './cost.ts'

let sink = 0
const spend = (steps: number): void => {
  let sum = sink
  for (let i = 0; i < steps; i++) sum = (Math.imul(sum, 31) + i) | 0
  sink = sum
}

test.for([
  ['linear', (n: number) => spend(n * 500), true],
  ['n log n', (n: number) => spend(n * 50 * Math.log2(n)), true],
  ['quadratic', (n: number) => spend(n * n), false],
] as const)('%s', ([, work, linear]) => {
  expect(isLinear(work, 2_000)).toBe(linear)
  expect(Number.isInteger(sink)).toBe(true)
})

test('a disturbance now and then changes nothing', () => {
  let calls = 0
  const work = (n: number): void => spend(++calls % 2 === 0 ? 20_000_000 : n)
  expect(isLinear(work, 1_000)).toBe(true)
})
