import { expect, test } from 'vitest'
import { SubjectCache } from '../../src/edge/subject-cache.ts'
import type { SubjectRecord } from '../../src/edge/subjects.ts'
import { textOfAddress } from '../../src/federation/address.ts'
import type { SubjectQuestion } from '../../src/federation/load-subject.ts'
import { address, byAddress, served } from '../federation/fixtures.ts'

const NOBODY: SubjectRecord = { user: undefined, contacts: undefined }
const question = (own = 'romeo@sip.example', remote = 'juliet@xmpp.example'): SubjectQuestion => ({
  served: served(),
  own: address(own),
  remote: address(remote),
  provider: undefined,
})

/** A store in another process: each question is answered when the test says so. */
function rig(users = 100) {
  const asked: { readonly own: string; answer(record: SubjectRecord): void; fail(): void }[] = []
  const cache = new SubjectCache(
    {
      load: (own) =>
        new Promise((resolve, reject) => {
          asked.push({
            own: textOfAddress(own),
            answer: resolve,
            fail: () => reject(new Error('gone')),
          })
        }),
    },
    users,
  )
  return { cache, asked }
}

test('one pair is asked for once, and then known at once', async () => {
  const { cache, asked } = rig()
  const [first, second] = [cache.record(question()), cache.record(question())]
  expect(asked).toHaveLength(1)
  asked[0]?.answer(NOBODY)
  expect(await Promise.all([first, second])).toEqual([NOBODY, NOBODY])
  expect(cache.record(question())).toEqual(NOBODY)
  cache.record(question(undefined, 'nurse@xmpp.example'))
  expect(asked).toHaveLength(2)
})

test('what was read before its user was forgotten is not kept', async () => {
  const { cache, asked } = rig()
  const old = cache.record(question())
  cache.forget(address('romeo@sip.example'))
  const fresh = cache.record(question())
  expect(asked).toHaveLength(2)
  asked[0]?.answer(NOBODY)
  await old
  const contacts = {
    user: address('romeo@sip.example'),
    allow: [byAddress('juliet@xmpp.example')],
    block: [],
  }
  asked[1]?.answer({ ...NOBODY, contacts })
  expect((await fresh).contacts).toBeDefined()
  expect(await cache.record(question())).toMatchObject({ contacts: expect.anything() })
  expect(asked).toHaveLength(2)
})

test('that another user was forgotten meanwhile makes no difference', async () => {
  const { cache, asked } = rig()
  const coming = cache.record(question())
  cache.forget(address('benvolio@sip.example'))
  asked[0]?.answer(NOBODY)
  await coming
  // At once, not by a promise: messages need not wait.
  expect(cache.record(question())).toEqual(NOBODY)
})

test('clearing forgets everybody, also what is on its way', async () => {
  const { cache, asked } = rig()
  const coming = cache.record(question())
  cache.clear()
  asked[0]?.answer(NOBODY)
  await coming
  cache.record(question())
  expect(asked).toHaveLength(2)
})

test('a failure is told, and the next request asks again', async () => {
  const { cache, asked } = rig()
  const coming = cache.record(question())
  asked[0]?.fail()
  await expect(coming).rejects.toThrow('gone')
  cache.record(question())
  expect(asked).toHaveLength(2)
})

test('the memory is bounded: users, and remote sides of one user', () => {
  const { cache, asked } = rig(2)
  for (const name of ['a', 'b', 'c', 'd']) cache.record(question(`${name}@sip.example`))
  expect(cache.stats().users).toBe(2)
  for (let i = 0; i < 300; i++) cache.record(question('d@sip.example', `x${i}@xmpp.example`))
  const before = asked.length
  cache.record(question('d@sip.example', 'x0@xmpp.example'))
  expect(asked.length).toBe(before + 1)
})
