import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PresencePair, StoredAuthorization, StoredDialog } from '../../src/edge/presence/store.ts'
import { type PresenceBatch, pairKey } from '../../src/store/presence-rows.ts'
import { PresenceWaiting } from '../../src/store/presence-waiting.ts'

/** What the tables hold, by the plainest means. */
class Tables {
  readonly authorizations = new Map<string, StoredAuthorization>()
  readonly dialogs = new Map<string, StoredDialog>()

  keepAuthorization(authorization: StoredAuthorization): void {
    this.authorizations.set(pairKey(authorization), authorization)
  }

  dropPair(pair: PresencePair): void {
    this.authorizations.delete(pairKey(pair))
    for (const dialog of [...this.dialogs.values()]) {
      if (pairKey(dialog) === pairKey(pair)) this.dialogs.delete(dialog.id)
    }
  }

  keepDialog(dialog: StoredDialog): void {
    this.dialogs.set(dialog.id, dialog)
  }

  dropDialog(id: string): void {
    this.dialogs.delete(id)
  }

  write(batch: PresenceBatch): void {
    for (const pair of batch.droppedPairs) this.dropPair(pair)
    for (const id of batch.droppedDialogs) this.dropDialog(id)
    for (const authorization of batch.authorizations) this.keepAuthorization(authorization)
    for (const dialog of batch.dialogs) this.keepDialog(dialog)
  }

  rows() {
    return {
      authorizations: [...this.authorizations].sort(([a], [b]) => (a < b ? -1 : 1)),
      dialogs: [...this.dialogs].sort(([a], [b]) => (a < b ? -1 : 1)),
    }
  }
}

const PAIRS: readonly PresencePair[] = [
  { direction: 'out', xmpp: 'juliet@xmpp.example', sip: 'sip:romeo@sip.example' },
  { direction: 'in', xmpp: 'juliet@xmpp.example', sip: 'sip:romeo@sip.example' },
  { direction: 'in', xmpp: 'nurse@xmpp.example', sip: 'sip:romeo@sip.example' },
]
const pair = fc.constantFrom(...PAIRS)
const id = fc.constantFrom('a', 'b', 'c')
/** The same objects again and again: a caller may keep its own. */
const dialogs = PAIRS.flatMap((of) =>
  ['a', 'b', 'c'].flatMap((each) => [1, 2].map((until) => ({ ...of, id: each, until, body: '{}' }))),
)
const authorizations = PAIRS.flatMap((of) =>
  (['asked', 'granted'] as const).map((state) => ({ ...of, state, since: 1 })),
)

type Words = Pick<PresenceWaiting, 'keepAuthorization' | 'keepDialog' | 'dropPair' | 'dropDialog'>

const word = fc.oneof(
  fc.constantFrom(...authorizations).map((each) => (to: Words) => to.keepAuthorization(each)),
  fc.constantFrom(...dialogs).map((each) => (to: Words) => to.keepDialog(each)),
  pair.map((each) => (to: Words) => to.dropPair(each)),
  id.map((each) => (to: Words) => to.dropDialog(each)),
)
const attempt = fc.record({
  most: fc.integer({ min: 1, max: 4 }),
  before: fc.array(word, { maxLength: 6 }),
  during: fc.array(word, { maxLength: 6 }),
  /** Of `unknown` it was written, and yet nobody came to know. */
  end: fc.constantFrom('written', 'failed', 'unknown'),
})

test('whatever is said while batches are under way, written, lost or written unknown, the last word stands', () => {
  fc.assert(
    fc.property(fc.array(attempt, { maxLength: 12 }), (attempts) => {
      const waiting = new PresenceWaiting()
      const said = new Tables()
      const stored = new Tables()
      const say = (words: readonly ((to: Words) => void)[]): void => {
        for (const each of words) {
          each(waiting)
          each(said)
        }
      }
      for (const { most, before, during, end } of attempts) {
        say(before)
        const batch = waiting.first(most)
        say(during)
        if (end !== 'failed') stored.write(batch)
        if (end === 'written') waiting.wrote(batch)
      }
      for (let rounds = 0; waiting.size > 0; rounds++) {
        if (rounds > 20) throw new Error('it does not end')
        const batch = waiting.first(2)
        stored.write(batch)
        waiting.wrote(batch)
      }
      expect(stored.rows()).toEqual(said.rows())
    }),
    { numRuns: 3000 },
  )
})

test('one word for each key waits, however often it is given', () => {
  const waiting = new PresenceWaiting()
  for (let i = 0; i < 1000; i++) {
    for (const each of [...dialogs, ...authorizations]) {
      if ('id' in each) waiting.keepDialog(each)
      else waiting.keepAuthorization(each)
    }
    for (const each of PAIRS) waiting.dropPair(each)
    for (const each of dialogs) waiting.dropDialog(each.id)
  }
  expect(waiting.size).toBe(PAIRS.length + 3)
})
