import { expect, test } from 'vitest'
import { AddressBook } from '../../../src/edge/address-book.ts'
import type { Attached } from '../../../src/edge/attached.ts'
import { People } from '../../../src/edge/presence/people.ts'
import type { ComponentLink } from '../../../src/federation/model.ts'
import type { Snapshot } from '../../../src/federation/snapshot.ts'
import { configOf } from '../gateway-bed.ts'
import { asComponent } from '../support.ts'

const pair = { xmpp: 'juliet@xmpp.example', sip: 'sip:romeo@sip.example' }
const rules = (setup: Parameters<typeof configOf>[1] = {}): Snapshot =>
  configOf({ xmpp: 9, home: 9 }, setup).federation

/** The link of these rules, as if its stream stood. */
const linkOf = (snapshot: Snapshot): Attached =>
  ({
    ...asComponent(snapshot.links.get('prosody') as ComponentLink),
    book: new AddressBook({ kind: 'straight' }, 100),
  }) as unknown as Attached

test('a pair is resolved by the rules and the link of this moment, however often it was asked for', () => {
  let snapshot = rules()
  const first = linkOf(snapshot)
  let attached: Attached | undefined = first
  const people = new People({ snapshot: () => snapshot, attached: () => attached })

  expect(people.resolve(pair)?.via).toBe(first)
  expect(people.resolve({ ...pair })?.contact).toBe('romeo@sip.example')
  expect(people.resolve({ ...pair, xmpp: 'nurse@xmpp.example' })?.xmpp.user).toBe('nurse')

  attached = undefined
  expect(people.resolve(pair)).toBeUndefined()
  const second = linkOf(snapshot)
  attached = second
  expect(people.resolve(pair)?.via).toBe(second)
  attached = first
  expect(people.resolve(pair)?.via).toBe(first)

  const links = [...snapshot.links].filter(([name]) => name !== 'prosody')
  snapshot = { ...snapshot, links: new Map(links) }
  attached = undefined
  expect(people.resolve(pair)).toBeUndefined()
})
