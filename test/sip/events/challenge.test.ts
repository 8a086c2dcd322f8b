import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../../src/sip/endpoint/endpoint.ts'
import type { Sending } from '../../../src/sip/events/carry.ts'
import { until } from '../endpoint/bed.ts'
import { heard, pair, subscriberSide } from './bed.ts'

/** Somebody who answers challenges: with a field in its place, as long as it is asked for less than `patience` times. */
function answering(patience = 3) {
  const outcomes: Outcome[] = []
  let asked = 0
  const sending = (): Sending => ({
    written: (request) =>
      asked === 0 ? request : { ...request, headers: request.headers.with(['Authorization', `${asked}`]) },
    heard(_hop, outcome) {
      outcomes.push(outcome)
      if (outcome.kind !== 'response' || outcome.response.status !== 401) return false
      return ++asked < patience
    },
  })
  return { sending, outcomes }
}

const statuses = (outcomes: readonly Outcome[]): unknown[] =>
  outcomes.map((outcome) => (outcome.kind === 'response' ? outcome.response.status : outcome.kind))

type Side = Awaited<ReturnType<typeof pair>>['juliet' | 'romeo']

/** Requests without an answer to it get 401. */
function challenging({ place }: Side): number[] {
  const { take } = place
  const numbers: number[] = []
  place.take = (incoming) => {
    numbers.push(incoming.request.headers.cseq()?.number ?? 0)
    if (incoming.request.headers.get('Authorization') === undefined) incoming.respond(401)
    else take(incoming)
  }
  return numbers
}

describe('a challenge is answered with the next number of the dialog (RFC 3261 §22.2)', () => {
  test('SUBSCRIBE; the refresh goes on above it, and so does what is recorded', async () => {
    const { sending, outcomes } = answering()
    const { time, juliet, romeo } = await pair({ subscriber: { owner: { sending } } })
    const numbers = challenging(romeo)
    const subscription = juliet.subscribe()
    await heard(juliet, 'active', 'open')
    await until(() => subscription.state.kind === 'established')
    expect(numbers).toEqual([1, 2])
    expect(statuses(outcomes)).toEqual([401, 200])
    expect([...juliet.saved.values()][0]?.dialog.localCSeq).toBeGreaterThan(2)
    subscription.refresh()
    await until(() => numbers.length === 3)
    expect(numbers).toEqual([1, 2, 3])

    const [saved] = [...juliet.saved.values()]
    if (saved === undefined) throw new Error('nothing was recorded')
    juliet.subscriptions.close()
    const after = subscriberSide(juliet.place, romeo.place, time, { owner: { sending } })
    after.subscriptions.resume(saved, 'juliet', 60_000)
    time.pass(60_000)
    await heard(after, 'open')
    expect(numbers.at(-1)).toBe(saved.dialog.localCSeq + 1)
  })

  test('NOTIFY; the next change goes on above it', async () => {
    const { sending, outcomes } = answering()
    const { time, juliet, romeo } = await pair({ notifier: { owner: { sending } } })
    const numbers = challenging(juliet)
    juliet.subscribe()
    await heard(juliet, 'active', 'open')
    await until(() => outcomes.length === 2)
    time.pass(5000)
    romeo.document = 'busy'
    romeo.only().changed()
    await heard(juliet, 'active', 'open', 'busy')
    expect(numbers).toEqual([1, 2, 3])
    expect(statuses(outcomes).slice(0, 2)).toEqual([401, 200])
  })

  test('the block that is recorded is renewed by repetitions too', async () => {
    const { sending } = answering(1_000)
    const { juliet, romeo } = await pair({ subscriber: { owner: { sending } } })
    let asked = 0
    const { take } = romeo.place
    romeo.place.take = (incoming) => (++asked % 140 === 0 ? take(incoming) : incoming.respond(401))
    const subscription = juliet.subscribe()
    await until(() => subscription.state.kind === 'established')
    const first = [...juliet.saved.values()][0]?.dialog.localCSeq ?? 0
    expect(first).toBeGreaterThan(140)
    subscription.refresh()
    await until(() => asked === 280 && subscription.state.kind === 'established')
    const used = subscription.dialog.localCSeq
    expect(used).toBe(280)
    expect([...juliet.saved.values()][0]?.dialog.localCSeq).toBeGreaterThan(used)
  })

  test('an answer that does not please is the end of it', async () => {
    const { sending, outcomes } = answering(2)
    const { juliet, romeo } = await pair({ subscriber: { owner: { sending } } })
    romeo.place.take = (incoming) => incoming.respond(401)
    juliet.subscribe()
    await until(() => juliet.list.length === 1)
    expect(statuses(outcomes)).toEqual([401, 401])
    expect(juliet.list[0]).toMatch(/^ended refused 401/)
  })

  test('without anybody who answers it is an answer like another', async () => {
    const { juliet, romeo } = await pair()
    const numbers = challenging(romeo)
    juliet.subscribe()
    await until(() => juliet.list.length === 1)
    expect(numbers).toEqual([1])
    expect(juliet.list[0]).toMatch(/^ended refused 401/)
  })
})
