import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { SOFTWARE_NODE } from '../../src/xmpp/services/device.ts'
import { onBed, ROMEO } from '../support/bed.ts'
import { stanzaError, xml } from '../support/xmpp-client.ts'

const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const GATEWAY = 'sip.example'
const PHONE = `${ROMEO}/phone`

/** What the gateway and its users answer: `result`, or the condition of an error; one for a get, one for a set. */
const QUERIES = [
  [GATEWAY, 'query', INFO, 'result', 'error'],
  [GATEWAY, 'query', ITEMS, 'result', 'error'],
  [GATEWAY, 'ping', 'urn:xmpp:ping', 'result', 'error'],
  [GATEWAY, 'query', 'jabber:iq:version', 'result', 'error'],
  [GATEWAY, 'vCard', 'vcard-temp', 'error', 'error'],
  [GATEWAY, 'query', 'jabber:iq:last', 'error', 'error'],
  [GATEWAY, 'x', 'urn:example:random', 'error', 'error'],
  [ROMEO, 'query', INFO, 'result', 'error'],
  [ROMEO, 'query', ITEMS, 'result', 'error'],
  [ROMEO, 'vCard', 'vcard-temp', 'error', 'error'],
  [ROMEO, 'query', 'jabber:iq:last', 'error', 'error'],
  [ROMEO, 'x', 'urn:example:random', 'error', 'error'],
  [PHONE, 'query', INFO, 'result', 'error'],
  [PHONE, 'query', ITEMS, 'result', 'error'],
  [PHONE, 'ping', 'urn:xmpp:ping', 'error', 'error'],
  [PHONE, 'vCard', 'vcard-temp', 'error', 'error'],
  [PHONE, 'query', 'jabber:iq:last', 'error', 'error'],
  [PHONE, 'query', 'jabber:iq:version', 'error', 'error'],
] as const

test('every query is answered once, to a client behind a real server', () =>
  onBed({}, async ({ juliet, romeo }) => {
    const ids = new Map<string, string>()
    for (const [to, name, xmlns, get, set] of QUERIES)
      for (const [type, wanted] of [
        ['get', get],
        ['set', set],
      ] as const) {
        const query = xml('iq', { to, type }, xml(name, { xmlns }))
        const answer = await juliet.iq(query)
        expect([to, xmlns, type, answer.attrs.type, answer.attrs.from]).toEqual([to, xmlns, type, wanted, to])
        if (wanted === 'error') expect(stanzaError(answer)?.condition).toMatch(/\S/)
        ids.set(String(answer.attrs.id), `${type} ${xmlns}`)
      }
    const empty = await juliet.iq(xml('iq', { to: GATEWAY, type: 'get' }))
    expect(stanzaError(empty)?.condition).toBe('bad-request')

    // By the answer to a last one, all that went before is here.
    await juliet.iq(xml('iq', { to: GATEWAY, type: 'get' }, xml('ping', 'urn:xmpp:ping')))
    for (const [id, query] of ids)
      expect([query, juliet.stanzas.all.filter(({ attrs }) => attrs.id === id).length]).toEqual([query, 1])
    expect(romeo.messages.all).toEqual([])
  }))

test('the gateway says what it is, and what its users are', () =>
  onBed({}, async ({ juliet }) => {
    const ask = async (to: string, name: string, xmlns: string) =>
      (await juliet.iq(xml('iq', { to, type: 'get' }, xml(name, { xmlns })))).getChild(name, xmlns)
    const gateway = await ask(GATEWAY, 'query', INFO)
    expect(gateway?.getChild('identity')?.attrs).toMatchObject({ category: 'gateway' })
    const features = gateway?.getChildren('feature').map(({ attrs }) => attrs.var)
    expect(features).toEqual(expect.arrayContaining([INFO, ITEMS, 'urn:xmpp:ping', 'jabber:iq:version']))
    const version = await ask(GATEWAY, 'query', 'jabber:iq:version')
    expect(version?.getChildText('name')).toBe('Dragoman')
    expect(version?.getChildText('version')).toMatch(/^\d+\.\d+\.\d+/)
    expect((await ask(GATEWAY, 'query', ITEMS))?.getChildElements()).toEqual([])

    const user = await ask(ROMEO, 'query', INFO)
    expect(user?.getChildren('feature').map(({ attrs }) => attrs.var)).toContain(INFO)
  }))

test('a device of a SIP user says what crosses to it, and verifies it (XEP-0115)', () =>
  onBed({}, async ({ juliet }) => {
    const ask = (to: string, node?: string) =>
      juliet.iq(
        xml('iq', { to, type: 'get' }, xml('query', node === undefined ? INFO : { xmlns: INFO, node })),
      )
    const device = (await ask(PHONE)).getChild('query', INFO)
    expect(device?.attrs.node).toBeUndefined()
    const identity = device?.getChild('identity')?.attrs
    expect(identity).toEqual({ category: 'client', type: 'pc', name: 'Dragoman' })
    const features = device?.getChildren('feature').map(({ attrs }) => String(attrs.var)) ?? []
    const caps = 'http://jabber.org/protocol/caps'
    expect([...features].sort()).toEqual([caps, INFO, ITEMS, 'urn:xmpp:delay'])

    // As a client works it out from the answer (§5.4).
    const text = [`client/pc//${identity?.name}`, ...[...features].sort()].map((part) => `${part}<`).join('')
    const node = `${SOFTWARE_NODE}#${createHash('sha1').update(text).digest('base64')}`
    for (const to of [PHONE, ROMEO]) {
      const answer = await ask(to, node)
      expect([answer.attrs.type, answer.attrs.from]).toEqual(['result', to])
      const query = answer.getChild('query', INFO)
      expect(query?.attrs.node).toBe(node)
      expect(query?.children.map(String)).toEqual(device?.children.map(String))
    }
    for (const to of [PHONE, ROMEO, GATEWAY])
      expect(
        stanzaError(await ask(to, 'http://code.google.com/p/exodus#QgayPKawpkPSDYmwT/WM94uAlu0=')),
      ).toMatchObject({ condition: 'item-not-found' })
    for (const name of ['jabber:iq:last', 'jabber:iq:version'])
      expect(
        stanzaError(await juliet.iq(xml('iq', { to: PHONE, type: 'get' }, xml('query', name))))?.condition,
      ).toBe('service-unavailable')
  }))
