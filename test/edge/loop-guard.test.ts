import { expect, test } from 'vitest'
import { LoopGuard, MOST_TURNS } from '../../src/edge/loop-guard.ts'
import { address } from '../federation/fixtures.ts'
import { fakeTime } from '../kernel/fake-time.ts'
import { JULIET, ROMEO, sipMessage } from './support.ts'

function guarded(limit = 1000) {
  const time = fakeTime()
  const guard = new LoopGuard({ memory: 10_000, limit, timers: time.timers })
  const say = (from: string, to: string, body: string, subject?: string): boolean =>
    guard.admit(
      address(from),
      address(to),
      sipMessage({ from, to, body, ...(subject === undefined ? {} : { subject }) }),
    )
  return { time, guard, say }
}

/** How many of `count` messages cross while both sides send the text back. */
function echo(say: (from: string, to: string, body: string) => boolean, body: string, count: number): number {
  let crossed = 0
  for (let i = 0; i < count; i++) {
    if (!(i % 2 === 0 ? say(JULIET, ROMEO, body) : say(ROMEO, JULIET, body))) break
    crossed++
  }
  return crossed
}

test('people answer hi with hi, and thanks with thanks', () => {
  const { say } = guarded()
  for (const text of ['hi', 'how are you?', 'thanks', 'bye']) {
    expect(say(JULIET, ROMEO, text)).toBe(true)
    expect(say(ROMEO, JULIET, text)).toBe(true)
  }
})

test('two echoes are stopped at the fifth turn', () => {
  expect(MOST_TURNS).toBe(4)
  expect(echo(guarded().say, 'again', 100)).toBe(5)
})

test('it does not matter who begins', () => {
  const { say } = guarded()
  expect(echo((from, to, body) => say(to, from, body), 'again', 100)).toBe(5)
})

test('repetition in one direction is no loop', () => {
  const { say } = guarded()
  for (let i = 0; i < 100; i++) expect(say(JULIET, ROMEO, 'ok')).toBe(true)
})

test('only the same text between the same two counts', () => {
  const { say } = guarded()
  expect(echo(say, 'one', 100)).toBe(5)
  expect(echo(say, 'two', 100)).toBe(5)
  expect(say('nurse@xmpp.example', ROMEO, 'one')).toBe(true)
  expect(say('juliet@other.example', ROMEO, 'one')).toBe(true)
})

test('long texts that differ at their ends or in their length are different', () => {
  const { say } = guarded()
  const long = 'x'.repeat(5000)
  expect(echo(say, long, 100)).toBe(5)
  expect(echo(say, `${long}y`, 100)).toBe(5)
  expect(echo(say, `y${long.slice(1)}`, 100)).toBe(5)
  expect(echo(say, `${long.slice(1)}z`, 100)).toBe(5)
})

test('without a body the Subject is the text', () => {
  const { say } = guarded()
  for (let i = 0; i < 20; i++) {
    const [from, to] = i % 2 === 0 ? [JULIET, ROMEO] : [ROMEO, JULIET]
    expect(say(from, to, '', `subject ${i}`)).toBe(true)
  }
  const answers = [0, 1, 2, 3, 4, 5].map((i) =>
    i % 2 === 0 ? say(JULIET, ROMEO, '', 'same') : say(ROMEO, JULIET, '', 'same'),
  )
  expect(answers).toEqual([true, true, true, true, true, false])
})

test('names cannot be shifted between user and domain', () => {
  const { say } = guarded()
  expect(echo(say, 'again', 100)).toBe(5)
  expect(say('juliet@xmpp.example', 'rome@osip.example', 'again')).toBe(true)
})

test('what is refused is forgotten like the rest: later the text may cross again', () => {
  const { say, time } = guarded()
  expect(echo(say, 'again', 100)).toBe(5)
  expect(say(ROMEO, JULIET, 'again')).toBe(false)
  time.pass(9_000)
  expect(say(ROMEO, JULIET, 'again')).toBe(false)
  // A memory lives at least its time, and at most half as long again.
  time.pass(6_001)
  expect(say(ROMEO, JULIET, 'again')).toBe(true)
})

test('slow echoes are no danger: a turn after the memory begins anew', () => {
  const { say, time } = guarded()
  for (let i = 0; i < 20; i++) {
    expect(i % 2 === 0 ? say(JULIET, ROMEO, 'tick') : say(ROMEO, JULIET, 'tick')).toBe(true)
    time.pass(15_001)
  }
})

test('the memory is bounded and goes', () => {
  const { say, guard, time } = guarded(100)
  for (let i = 0; i < 1_000; i++) {
    say(JULIET, ROMEO, `text ${i}`)
    expect(guard.size).toBeLessThanOrEqual(100)
  }
  time.pass(20_000)
  expect(guard.size).toBe(0)
  expect(time.timers.size).toBe(0)
})
