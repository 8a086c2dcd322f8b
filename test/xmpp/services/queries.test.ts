import { describe, expect, test } from 'vitest'
import {
  answerQuery,
  DISCO_INFO,
  DISCO_ITEMS,
  ESCAPING,
  GATEWAY,
  PING,
  VERSION,
} from '../../../src/xmpp/services/queries.ts'
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

  test.for([VERSION, 'jabber:iq:last', 'vcard-temp', 'http://www.google.com/session'])(
    '%s is service-unavailable',
    (namespace) => {
      const error = answerQuery(iq('get', 'romeo@sip.example', query(namespace)), plain)?.getChild('error')
      expect(error?.getChildElements().map((each) => each.name)).toEqual(['service-unavailable'])
    },
  )
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
