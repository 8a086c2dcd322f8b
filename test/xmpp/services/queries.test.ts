import { describe, expect, test } from 'vitest'
import { CAPS } from '../../../src/xmpp/services/caps.ts'
import { capsElement } from '../../../src/xmpp/services/device.ts'
import { DISCO_INFO, DISCO_ITEMS } from '../../../src/xmpp/services/disco.ts'
import { answerQuery, ESCAPING, GATEWAY, PING, VERSION } from '../../../src/xmpp/services/queries.ts'
import { type Element, xml } from '../../../src/xmpp/xml/element.ts'
import { writeElement } from '../../../src/xmpp/xml/writer.ts'

const plain = { software: { name: 'Gate', version: '1.2' }, type: 'sip' }
const escaped = {
  ...plain,
  prompt: {
    description: 'Give the address',
    label: 'SIP address',
    jidOf: (typed: string) => (typed.includes('@') ? `${typed.replace('@', '\\40')}@gw.example` : undefined),
  },
}
const iq = (type: string | undefined, to: string, ...children: Element[]) =>
  xml('iq', { type, to, from: 'juliet@x.example/balcony', id: 'q1' }, ...children)
const query = (xmlns: string, ...children: Element[]) => xml('query', { xmlns }, ...children)
const asked = (xmlns: string, node: string) => xml('query', { xmlns, node })
const caps = capsElement(plain.software).attrs
/** The node that a client asks for after it has seen our presence. */
const OURS = `${caps.node}#${caps.ver}`
const conditionOf = (answer: Element | undefined) => answer?.getChild('error')?.getChildElements()[0]?.name
const features = (answer: Element | undefined) =>
  answer
    ?.getChild('query')
    ?.getChildren('feature')
    .map((each) => each.attrs.var)

describe('the gateway itself', () => {
  test('says what it is and can', () => {
    const answer = answerQuery(iq('get', 'sip.example', query(DISCO_INFO)), plain)
    expect(answer?.attrs).toMatchObject({
      type: 'result',
      id: 'q1',
      from: 'sip.example',
      to: 'juliet@x.example/balcony',
    })
    expect(answer?.getChild('query')?.getChild('identity')?.attrs).toMatchObject({
      category: 'gateway',
      type: 'sip',
    })
    expect(features(answer)).toEqual([DISCO_INFO, DISCO_ITEMS, ESCAPING, PING, VERSION])
    expect(features(answerQuery(iq('get', 'gw.example', query(DISCO_INFO)), escaped))).toContain(GATEWAY)
  })

  test('has no items, answers a ping, and tells its version', () => {
    expect(writeElement(answerQuery(iq('get', 's.example', query(DISCO_ITEMS)), plain) as Element)).toContain(
      '<query xmlns="http://jabber.org/protocol/disco#items"/></iq>',
    )
    expect(answerQuery(iq('get', 's.example', xml('ping', { xmlns: PING })), plain)?.attrs.type).toBe(
      'result',
    )
    const version = answerQuery(iq('get', 's.example', query(VERSION)), plain)?.getChild('query')
    expect([version?.getChildText('name'), version?.getChildText('version')]).toEqual(['Gate', '1.2'])
  })

  test('XEP-0100 §6.3: prompts for an address and makes it a JID', () => {
    const asked = answerQuery(iq('get', 'gw.example', query(GATEWAY)), escaped)?.getChild('query')
    expect(asked?.getChildText('prompt')).toBe('SIP address')
    const typed = (text: string) =>
      answerQuery(iq('set', 'gw.example', query(GATEWAY, xml('prompt', {}, text))), escaped)
    expect(typed('romeo@sip.example')?.getChild('query')?.getChildText('jid')).toBe(
      'romeo\\40sip.example@gw.example',
    )
    expect(typed('nonsense')?.attrs.type).toBe('error')
    expect(answerQuery(iq('get', 'gw.example', query(GATEWAY)), plain)?.attrs.type).toBe('error')
  })
})

describe('one of its users', () => {
  test('is an account', () => {
    const answer = answerQuery(iq('get', 'romeo@sip.example', query(DISCO_INFO)), plain)
    expect(answer?.attrs.from).toBe('romeo@sip.example')
    expect(answer?.getChild('query')?.getChild('identity')?.attrs).toMatchObject({ category: 'account' })
    expect(features(answer)).toEqual([DISCO_INFO, DISCO_ITEMS])
  })

  test.for(['romeo@sip.example', 'romeo@sip.example/phone'])('%s has no items', (to) => {
    const answer = answerQuery(iq('get', to, query(DISCO_ITEMS)), plain)
    expect(answer?.getChild('query')?.children).toEqual([])
    expect(conditionOf(answerQuery(iq('get', to, asked(DISCO_ITEMS, OURS)), plain))).toBe('item-not-found')
  })

  test.for(
    ['romeo@sip.example', 'romeo@sip.example/phone'].flatMap((to) =>
      [
        query(VERSION),
        query('jabber:iq:last'),
        xml('vCard', { xmlns: 'vcard-temp' }),
        xml('ping', { xmlns: PING }),
        query('http://www.google.com/session'),
      ].map((child) => [to, child] as const),
    ),
  )('at %s %s is service-unavailable', ([to, child]) => {
    expect(conditionOf(answerQuery(iq('get', to, child), plain))).toBe('service-unavailable')
  })
})

describe('a device of one', () => {
  const PHONE = 'romeo@sip.example/phone'

  test('is a client, and has what crosses to SIP and nothing else', () => {
    const answer = answerQuery(iq('get', PHONE, query(DISCO_INFO)), plain)
    expect(answer?.attrs).toMatchObject({ type: 'result', from: PHONE })
    const info = answer?.getChild('query')
    expect(info?.attrs).toEqual({ xmlns: DISCO_INFO })
    expect(info?.getChildren('identity').map(({ attrs }) => attrs)).toEqual([
      { category: 'client', type: 'pc', name: 'Gate' },
    ])
    expect(features(answer)).toEqual([CAPS, DISCO_INFO, DISCO_ITEMS, 'urn:xmpp:delay'])
  })

  // The bare address is where presence comes from when a document names no device.
  test.for([PHONE, 'romeo@sip.example'])('XEP-0115 §6.2: what our presence points at is told at %s', (to) => {
    const answer = answerQuery(iq('get', to, asked(DISCO_INFO, OURS)), plain)
    expect(answer?.getChild('query')?.attrs.node).toBe(OURS)
    const own = answerQuery(iq('get', PHONE, query(DISCO_INFO)), plain)
    expect(answer?.getChild('query')?.children.map(String)).toEqual(
      own?.getChild('query')?.children.map(String),
    )
  })

  test.for([
    ['another version', OURS.replace(/#.*/, '#AAAAAAAAAAAAAAAAAAAAAAAAAAA=')],
    ['without version', OURS.replace(/#.*/, '')],
    ['of another software', OURS.replace(/^.*#/, 'http://code.google.com/p/exodus#')],
    ['empty', ''],
    ['a command', 'http://jabber.org/protocol/commands'],
  ] as const)('a node that is not ours is not found: %s', ([, node]) => {
    for (const to of [PHONE, 'romeo@sip.example', 'sip.example'])
      expect(conditionOf(answerQuery(iq('get', to, asked(DISCO_INFO, node)), plain))).toBe('item-not-found')
  })

  test('the gateway itself is not a device', () => {
    expect(conditionOf(answerQuery(iq('get', 'sip.example', asked(DISCO_INFO, OURS)), plain))).toBe(
      'item-not-found',
    )
  })
})

describe('RFC 6120 §8.2.3', () => {
  test.for(['result', 'error'])('a %s is never answered', (type) => {
    expect(answerQuery(iq(type, 'sip.example', query(DISCO_INFO)), plain)).toBeUndefined()
  })

  test.for([
    ['no type', iq(undefined, 'sip.example', query(DISCO_INFO))],
    ['a type of its own', iq('ask', 'sip.example', query(DISCO_INFO))],
    ['no child', iq('get', 'sip.example')],
    ['two children', iq('get', 'sip.example', query(DISCO_INFO), query(VERSION))],
  ] as const)('%s is a bad request', ([, stanza]) => {
    const answer = answerQuery(stanza, plain)
    expect(answer?.attrs).toMatchObject({ type: 'error', id: 'q1' })
    expect(answer?.getChild('error')?.getChildElements()[0]?.name).toBe('bad-request')
  })

  test('a set of what can only be read is service-unavailable', () => {
    expect(answerQuery(iq('set', 'sip.example', query(DISCO_INFO)), plain)?.attrs.type).toBe('error')
  })
})
