import { expect, test } from 'vitest'
import { Fingerprints } from '../../src/kernel/fingerprint.ts'

const SECRET = '0123456789abcdefghijklmnopqrstuv'

test('a text has one fingerprint, and with another secret another', () => {
  const [a, again, b] = [new Fingerprints(SECRET), new Fingerprints(SECRET), new Fingerprints(`${SECRET}x`)]
  expect(a.of('Juliet').text()).toBe(again.of('Juliet').text())
  expect(a.of('Juliet').text()).not.toBe(b.of('Juliet').text())
  expect(a.of('').text()).toMatch(/^[\w-]{11}$/)
})

test('texts that differ by little share neither half more often than by chance', () => {
  const prints = new Fingerprints(SECRET)
  const [low, high, both] = [new Set<number>(), new Set<number>(), new Set<string>()]
  const count = 200_000
  for (let i = 0; i < count; i++) {
    prints.of(`MESSAGE 192.0.2.${i % 250}:5060 z9hG4bK${i}`)
    low.add(prints.low)
    high.add(prints.high)
    both.add(prints.text())
  }
  expect(both.size).toBe(count)
  // By chance: 200,000² / 2³³, or 4.7 pairs.
  expect(count - low.size).toBeLessThan(20)
  expect(count - high.size).toBeLessThan(20)
})

test('every bit of a fingerprint changes with half of the texts', () => {
  const prints = new Fingerprints(SECRET)
  const ones = new Array<number>(64).fill(0)
  for (let i = 0; i < 10_000; i++) {
    const { low, high } = prints.of(`${i}`)
    for (let bit = 0; bit < 32; bit++) {
      ones[bit] = (ones[bit] as number) + ((low >>> bit) & 1)
      ones[bit + 32] = (ones[bit + 32] as number) + ((high >>> bit) & 1)
    }
  }
  for (const count of ones) expect(Math.abs(count - 5000)).toBeLessThan(300)
})
