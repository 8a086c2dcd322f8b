import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findEntry, indexContacts } from '../../src/federation/contact-index.ts'
import { learns, withLearned } from '../../src/federation/learn.ts'
import { loadSubject } from '../../src/federation/load-subject.ts'
import type { ContactEntry, ContactList } from '../../src/federation/model.ts'
import { REQUEST_KINDS } from '../../src/federation/request.ts'
import { address, byAddress, contacts, snapshot } from './fixtures.ts'

const juliet = address('juliet@xmpp.example')
const on = { enabled: true }
const sent = { outcome: 'deliver', direction: 'outbound' } as const

describe('what is learned from', () => {
  test.for([
    ['a message that was delivered', 'message', sent, 'delivered', false, on, true],
    ['a subscription that was granted', 'presence', sent, 'delivered', false, on, true],
    ['a session', 'session', sent, 'delivered', false, on, false],
    ['a query', 'query', sent, 'delivered', false, on, false],
    ['one that did not arrive', 'message', sent, 'failed', false, on, false],
    ['one that was refused', 'message', { ...sent, outcome: 'refuse' }, 'failed', false, on, false],
    ['an automatic one', 'message', sent, 'delivered', true, on, false],
    ['what comes in', 'message', { ...sent, direction: 'inbound' }, 'delivered', false, on, false],
    ['nothing, when it is off', 'message', sent, 'delivered', false, { enabled: false }, false],
  ] as const)('%s', ([, kind, verdict, outcome, automatic, learning, expected]) => {
    expect(learns({ kind }, verdict, outcome, automatic, learning)).toBe(expected)
  })

  test('nothing that comes in, whatever else', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...REQUEST_KINDS),
        fc.constantFrom('deliver', 'refuse' as const),
        fc.constantFrom('delivered', 'failed' as const),
        fc.boolean(),
        (kind, outcome, end, automatic) => {
          expect(learns({ kind }, { outcome, direction: 'inbound' }, end, automatic, on)).toBe(false)
        },
      ),
    )
  })
})

describe('the list afterwards', () => {
  const rules = { lifetime: 1000, perUser: 3 }
  const learned = (who: string, expires: number): ContactEntry => ({
    match: { kind: 'address', address: address(who) },
    by: 'learned',
    expires,
  })

  test('has the entry, until its time is over', () => {
    const list = withLearned(contacts(), juliet, 5000, rules)
    expect(list.allow).toEqual([learned('juliet@xmpp.example', 6000)])
    const world = snapshot({ contacts: [list] })
    const asked = { from: juliet, to: list.user }
    expect(loadSubject(world, asked, 5999)).toMatchObject({ list: 'allow', entry: { by: 'learned' } })
    expect(loadSubject(world, asked, 6000)).toMatchObject({ list: 'none', entry: undefined })
  })

  test('is the same while there is nothing to write: right after, or with an entry by a person', () => {
    const list = withLearned(contacts(), juliet, 5000, rules)
    expect(withLearned(list, juliet, 5099, rules)).toBe(list)
    expect(withLearned(list, juliet, 5100, rules).allow).toEqual([learned('juliet@xmpp.example', 6100)])
    const byHand = contacts({ allow: [byAddress('juliet@xmpp.example')] })
    expect(withLearned(byHand, juliet, 5000, rules)).toBe(byHand)
  })

  test('has no more learned entries than it may, the longest-lived; those by people are not counted', () => {
    const list: ContactList = contacts({
      allow: [
        byAddress('nurse@xmpp.example'),
        learned('b@x.example', 5020),
        learned('a@x.example', 5010),
        learned('c@x.example', 5030),
        learned('gone@x.example', 5000),
      ],
    })
    expect(withLearned(list, juliet, 5000, rules).allow).toEqual([
      byAddress('nurse@xmpp.example'),
      learned('b@x.example', 5020),
      learned('c@x.example', 5030),
      learned('juliet@xmpp.example', 6000),
    ])
  })

  test('is bounded and holds whom was written to last, whatever came before', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.nat({ max: 400 })), { minLength: 1 }), (letters) => {
        let list = contacts({ allow: [byAddress('nurse@xmpp.example')] })
        let now = 0
        for (const [who, pause] of letters) {
          now += pause
          const remote = address(`${who}@x.example`)
          list = withLearned(list, remote, now, rules)
          expect(list.allow.filter(({ by }) => by === 'learned').length).toBeLessThanOrEqual(3)
          expect(findEntry(indexContacts(list).allow, remote, undefined, now)).toBeDefined()
          expect(list.allow).toContainEqual(byAddress('nurse@xmpp.example'))
        }
      }),
    )
  })
})

test('an entry that has expired leaves the place to a wider one', () => {
  const index = indexContacts(
    contacts({
      block: [
        { match: { kind: 'address', address: juliet }, by: 'user', expires: 10 },
        { match: { kind: 'domain', domain: juliet.domain }, by: 'admin', expires: undefined },
      ],
    }),
  ).block
  expect(findEntry(index, juliet, undefined, 9)?.by).toBe('user')
  expect(findEntry(index, juliet, undefined, 10)?.by).toBe('admin')
})
