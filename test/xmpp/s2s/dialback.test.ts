import { describe, expect, test } from 'vitest'
import { keyFor, verifyAnswer } from '../../../src/xmpp/s2s/authoritative.ts'
import { answerTo, failed, partyFor, readDialback, writeDialback } from '../../../src/xmpp/s2s/dialback.ts'
import { DialbackKeys } from '../../../src/xmpp/s2s/dialback-key.ts'
import { writeElement } from '../../../src/xmpp/xml/writer.ts'
import { stanzaOf } from '../../support/vectors.ts'
import { domain, resultAnswer, resultRequest, VALID, verifyAnswerOf, verifyRequest } from './support.ts'

/** With the declaration that the stream header has. */
const read = (text: string) =>
  readDialback(stanzaOf(text.replace(/^<db:(\w+)/, "<db:$1 xmlns:db='jabber:server:dialback'")))

const error = (condition: string, ns = 'urn:ietf:params:xml:ns:xmpp-stanzas') =>
  `<error type='cancel'><${condition} xmlns='${ns}'/></error>`

describe('the examples of XEP-0220', () => {
  const key = 'b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3'

  test.for([
    [
      'step 1',
      `<db:result from='capulet.example' to='montague.example'>\n  ${key}\n</db:result>`,
      resultRequest('capulet.example', 'montague.example', key),
    ],
    [
      'step 2',
      `<db:verify from='capulet.example' id='417GAF25' to='montague.example'> ${key} </db:verify>`,
      verifyRequest('capulet.example', 'montague.example', '417GAF25', key),
    ],
    [
      'step 3, valid',
      "<db:verify from='montague.example' id='417GAF25' to='capulet.example' type='valid'/>",
      verifyAnswerOf('montague.example', 'capulet.example', '417GAF25', VALID),
    ],
    [
      'step 3, invalid',
      "<db:verify from='montague.example' id='417GAF25' to='capulet.example' type='invalid'/>",
      verifyAnswerOf('montague.example', 'capulet.example', '417GAF25', { type: 'invalid' }),
    ],
    [
      'step 3, error',
      `<db:verify from='montague.example' id='417GAF25' to='capulet.example' type='error'>${error('item-not-found')}</db:verify>`,
      verifyAnswerOf('montague.example', 'capulet.example', '417GAF25', failed('item-not-found')),
    ],
    [
      'step 4, valid',
      "<db:result from='montague.example' to='capulet.example' type='valid'/>",
      resultAnswer('montague.example', 'capulet.example', VALID),
    ],
    [
      'step 4, invalid',
      "<db:result from='montague.example' to='capulet.example' type='invalid'/>",
      resultAnswer('montague.example', 'capulet.example', { type: 'invalid' }),
    ],
    [
      'step 4, error',
      `<db:result from='montague.example' to='capulet.example' type='error'>${error('item-not-found')}</db:result>`,
      resultAnswer('montague.example', 'capulet.example', failed('item-not-found')),
    ],
  ] as const)('%s', ([, text, dialback]) => {
    expect(read(text)).toEqual({ ok: true, value: dialback })
    expect(read(writeElement(writeDialback(dialback)))).toEqual({ ok: true, value: dialback })
  })
})

describe('conditions of XEP-0220 §2.5', () => {
  test.for([
    'item-not-found',
    'remote-connection-failed',
    'remote-server-not-found',
    'remote-server-timeout',
    'policy-violation',
    'not-authorized',
    'forbidden',
    'not-acceptable',
    'resource-constraint',
  ] as const)('%s', (condition) => {
    const answer = resultAnswer('a.example', 'b.example', failed(condition))
    const text = writeElement(writeDialback(answer))
    expect(text).toContain(`<${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>`)
    expect(read(text)).toEqual({ ok: true, value: answer })
  })

  test.for([
    ['no error element', ''],
    ['an empty one', '<error/>'],
    ['an unknown condition', error('no-such-thing')],
    ['a condition of another namespace', error('item-not-found', 'urn:other')],
    ['only a text', "<error><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no</text></error>"],
  ] as const)('%s is an error all the same', ([, inner]) => {
    const got = read(`<db:result from='a.example' to='b.example' type='error'>${inner}</db:result>`)
    expect(got).toEqual({
      ok: true,
      value: resultAnswer('a.example', 'b.example', failed('undefined-condition')),
    })
  })
})

describe('what cannot be worked with', () => {
  const long = 'x'.repeat(257)
  test.for([
    [
      'another namespace',
      "<result xmlns='jabber:server' from='a.example' to='b.example'>k</result>",
      'not-dialback',
    ],
    ['another name', "<db:other from='a.example' to='b.example'>k</db:other>", 'not-dialback'],
    ['no from', "<db:result to='b.example'>k</db:result>", 'bad-from'],
    ['an address as from', "<db:result from='u@a.example' to='b.example'>k</db:result>", 'bad-from'],
    ['a number as from', "<db:result from='192.0.2.1' to='b.example'>k</db:result>", 'bad-from'],
    ['no to', "<db:result from='a.example'>k</db:result>", 'bad-to'],
    ['an empty to', "<db:result from='a.example' to=''>k</db:result>", 'bad-to'],
    ['no id', "<db:verify from='a.example' to='b.example'>k</db:verify>", 'bad-id'],
    ['an empty id', "<db:verify id='' from='a.example' to='b.example' type='valid'/>", 'bad-id'],
    ['a long id', `<db:verify id='${long}' from='a.example' to='b.example'>k</db:verify>`, 'bad-id'],
    ['no key', "<db:result from='a.example' to='b.example'/>", 'bad-key'],
    ['white space as key', "<db:result from='a.example' to='b.example'> \n </db:result>", 'bad-key'],
    ['two keys', "<db:result from='a.example' to='b.example'>k k</db:result>", 'bad-key'],
    ['a long key', `<db:result from='a.example' to='b.example'>${long}</db:result>`, 'bad-key'],
    ['an unknown type', "<db:result from='a.example' to='b.example' type='maybe'>k</db:result>", 'bad-type'],
    ['an empty type', "<db:result from='a.example' to='b.example' type=''>k</db:result>", 'bad-type'],
  ] as const)('%s', ([, text, fault]) => {
    expect(read(text)).toEqual({ ok: false, error: fault })
  })
})

test('spelling is kept, and the answer has it too', () => {
  const got = read("<db:result from='Xn--BCHER-kva.example' to='b.example.'>k</db:result>")
  if (!got.ok || got.value.element !== 'result' || got.value.kind !== 'request') throw new Error('not read')
  expect(got.value.from).toEqual({ domain: 'xn--bcher-kva.example', text: 'Xn--BCHER-kva.example' })
  expect(writeElement(writeDialback(answerTo(got.value, VALID)))).toBe(
    '<db:result from="b.example." to="Xn--BCHER-kva.example" type="valid"/>',
  )
  expect(partyFor(got.value.from.domain).text).toBe('bücher.example')
})

describe('the authoritative server', () => {
  const keys = new DialbackKeys(['secret'])
  const us = domain('xn--bcher-kva.example')
  const authority = { keys, serves: (name: string) => name === us }
  const key = keyFor(keys, us, domain('montague.example'), 'D60')
  const ask = (from: string, to: string, id: string, text: string) =>
    verifyAnswer(verifyRequest(from, to, id, text), authority)

  test.for([
    ['as it was written', 'montague.example', 'bücher.example', 'D60', 'valid'],
    ['spelled otherwise', 'Montague.Example', 'xn--bcher-kva.example', 'D60', 'valid'],
    ['for another stream', 'montague.example', 'bücher.example', 'D61', 'invalid'],
    ['for another target', 'other.example', 'bücher.example', 'D60', 'invalid'],
  ] as const)('a key of ours, %s', ([, from, to, id, type]) => {
    expect(ask(from, to, id, key)).toEqual(verifyAnswerOf(to, from, id, { type }))
  })

  test('a key of somebody else', () => {
    expect(ask('montague.example', 'bücher.example', 'D60', 'f'.repeat(64)).verdict).toEqual({
      type: 'invalid',
    })
  })

  test('a domain that is not ours: an error, the stream stays (§2.2.2)', () => {
    expect(ask('montague.example', 'other.example', 'D60', key)).toEqual(
      verifyAnswerOf('other.example', 'montague.example', 'D60', failed('item-not-found')),
    )
  })
})
