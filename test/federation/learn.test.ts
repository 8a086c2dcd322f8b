import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findEntry, indexContacts } from '../../src/federation/contact-index.ts'
import { learns } from '../../src/federation/learn.ts'
import { loadSubject } from '../../src/federation/load-subject.ts'
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

test('an entry counts until its time is over', () => {
  const entry = { ...byAddress('juliet@xmpp.example'), by: 'learned', expires: 6000 } as const
  const world = snapshot({ contacts: [contacts({ allow: [entry] })] })
  const asked = { from: juliet, to: address('romeo@sip.example') }
  expect(loadSubject(world, asked, 5999)).toMatchObject({ list: 'allow', entry: { by: 'learned' } })
  expect(loadSubject(world, asked, 6000)).toMatchObject({ list: 'none', entry: undefined })
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
