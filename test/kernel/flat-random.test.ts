import { expect, test } from 'vitest'
import { flat } from '../../src/kernel/flat.ts'
import { systemRandom } from '../../src/kernel/random.ts'

test.for(['', 'z9hG4bK-1', 'größe', '🦊'.repeat(3), 'x'.repeat(5_000), 'ü'.repeat(1_365)])(
  'flat keeps the text (%#)',
  (text) => {
    expect(flat(text)).toBe(text)
    expect(flat(`${text}|${text}`)).toBe(`${text}|${text}`)
  },
)

test('tokens have the length asked for, the alphabet promised, and do not repeat', () => {
  const seen = new Set<string>()
  for (let i = 0; i < 5_000; i++) {
    const token = systemRandom.token(22)
    expect(token).toMatch(/^[A-Za-z0-9_-]{22}$/)
    seen.add(token)
  }
  expect(seen.size).toBe(5_000)
  expect(systemRandom.token(0)).toBe('')
  expect(() => systemRandom.token(10_000)).toThrow(RangeError)
})
