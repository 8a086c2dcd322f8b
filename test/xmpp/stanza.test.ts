import { describe, expect, test } from 'vitest'
import { childOf, effectiveLang } from '../../src/xmpp/stanza.ts'
import {
  CONDITIONS,
  parseStanzaError,
  type StanzaCondition,
  stanzaError,
} from '../../src/xmpp/stanza-error.ts'
import { xml } from '../../src/xmpp/xml/element.ts'

describe('stanza errors', () => {
  const message = xml('message', { id: '1', from: 'a@x/r', to: 'b@y' }, xml('body', {}, 'secret'))

  test.for(Object.keys(CONDITIONS) as StanzaCondition[])('%s is read as it was written', (condition) => {
    const error = stanzaError(message, condition, { text: 'why', legacyCode: true })
    expect(error?.attrs).toEqual({ type: 'error', id: '1', from: 'b@y', to: 'a@x/r' })
    expect(error?.getChild('error')?.attrs.code).toBe(String(CONDITIONS[condition].code))
    expect(error && parseStanzaError(error)).toEqual({
      condition,
      type: CONDITIONS[condition].type,
      text: 'why',
      address: undefined,
    })
  })

  test('errors and results are never answered', () => {
    expect(stanzaError(xml('message', { type: 'error' }), 'gone')).toBeUndefined()
    expect(stanzaError(xml('iq', { type: 'result' }), 'gone')).toBeUndefined()
  })
})

test('a child is found by name and namespace', () => {
  const stanza = xml('message', { xmlns: 'a' }, xml('body', { xmlns: 'b' }), xml('body', {}, 'right'))
  expect(childOf(stanza, 'body')?.text()).toBe('right')
  expect(childOf(stanza, 'body', 'b')?.text()).toBe('')
  expect(childOf(stanza, 'body', 'c')).toBeUndefined()
})

test('the language in force is the nearest', () => {
  const stanza = xml('message', { 'xml:lang': 'de' }, xml('body'), xml('body', { 'xml:lang': 'cs' }))
  expect(stanza.getChildren('body').map(effectiveLang)).toEqual(['de', 'cs'])
})
