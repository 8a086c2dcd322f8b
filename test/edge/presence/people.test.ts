import { expect, test } from 'vitest'
import { AddressBook } from '../../../src/edge/address-book.ts'
import type { Attached } from '../../../src/edge/attached.ts'
import { keyOf, People } from '../../../src/edge/presence/people.ts'
import type { Addressing } from '../../../src/interworking/address.ts'
import { parseUri } from '../../../src/sip/uri-parse.ts'
import { type Element, xml } from '../../../src/xmpp/xml/element.ts'
import { domain, must } from '../../federation/fixtures.ts'
import { asComponent, open } from '../support.ts'

function bed(addressing: Addressing = { kind: 'straight' }, live = true) {
  const sent: Element[] = []
  const via: Attached = {
    ...asComponent(),
    link: { live, send: (stanza) => sent.push(stanza) > 0 },
    book: new AddressBook(addressing, 100),
    gateway: { software: { name: 'Test', version: '1' }, type: 'sip' },
  }
  const snapshot = open()
  const people = new People({
    snapshot: () => snapshot,
    attached: (row) => (row?.name === 'prosody' ? via : undefined),
  })
  return { via, people, sent }
}

const uri = (text: string) => must(parseUri(text))

test('the same pair, from a stanza and from a SIP request, whatever the device and the spelling', () => {
  const { via, people } = bed()
  const stanza = people.pairOf(
    'out',
    must(via.book.ofJid('Juliet@xmpp.example/balcony')),
    must(via.book.ofJid('romeo@sip.example/orchard')),
  )
  const request = people.pairBetween(
    'in',
    via,
    uri('sip:juliet@xmpp.example;gr=tag'),
    uri('sip:Romeo@SIP.example:5061;transport=tcp'),
  )
  expect(stanza).toEqual({ direction: 'out', xmpp: 'juliet@xmpp.example', sip: 'sip:romeo@sip.example' })
  expect(request).toEqual({ ...stanza, direction: 'in' })
  expect(keyOf(stanza)).toBe('juliet@xmpp.example sip:romeo@sip.example')
})

test('a pair is resolved to the link and both people, as that link writes them', () => {
  const { via, people } = bed({ kind: 'escaped', gateway: domain('sip.xmpp.example') })
  const resolved = people.resolve({ xmpp: 'juliet@xmpp.example', sip: 'sip:romeo@sip.example' })
  expect(resolved).toMatchObject({
    contact: 'romeo\\40sip.example@sip.xmpp.example',
    xmpp: { user: 'juliet', domain: 'xmpp.example' },
    sip: { user: 'romeo', domain: 'sip.example' },
  })
  expect(resolved?.via).toBe(via)
  expect(resolved?.uri.params).toEqual([])
})

test.for([
  ['no link for that domain', 'juliet@elsewhere.example', 'sip:romeo@sip.example'],
  ['nobody of ours', 'juliet@xmpp.example', 'sip:romeo@other.example'],
  ['no URI', 'juliet@xmpp.example', 'romeo'],
  ['no user', 'juliet@xmpp.example', 'tel:+15551234'],
] as const)('not resolved: %s', ([, xmpp, sip]) => {
  expect(bed().people.resolve({ xmpp, sip })).toBeUndefined()
})

test('an address without a form on the other side makes no pair', () => {
  const { via, people } = bed()
  expect(
    people.pairBetween('in', via, uri('sips:juliet@xmpp.example'), uri('sip:a@sip.example')),
  ).toBeUndefined()
  expect(people.pairBetween('in', via, uri('sip:juliet@xmpp.example'), uri('tel:+1555'))).toBeUndefined()
})

test('told over a live link, and not otherwise', () => {
  const pair = { direction: 'out', xmpp: 'juliet@xmpp.example', sip: 'sip:romeo@sip.example' } as const
  const one = () => [xml('presence')]
  const up = bed()
  expect([up.people.tell(pair, one), up.sent.length]).toEqual([true, 1])
  const down = bed(undefined, false)
  expect([down.people.tell(pair, one), down.sent.length]).toEqual([false, 0])
})
