import { describe, expect, test } from 'vitest'
import type { Attached } from '../../../src/edge/attached.ts'
import { Counters } from '../../../src/edge/counters.ts'
import { S2sLinks } from '../../../src/edge/s2s/s2s-links.ts'
import type { S2sLink } from '../../../src/federation/model.ts'
import { DEFAULT_NEGOTIATION } from '../../../src/federation/negotiation.ts'
import type { StreamProof } from '../../../src/xmpp/s2s/negotiation.ts'
import { parseStanzaError } from '../../../src/xmpp/stanza-error.ts'
import { type Element, xml } from '../../../src/xmpp/xml/element.ts'
import { domain, served, xmppProvider } from '../../federation/fixtures.ts'
import { open } from '../support.ts'

const OWN = domain('sip.example')
const OTHER = domain('xmpp.example')
const ROW: S2sLink = { kind: 's2s', name: 'internet', suspended: false }
const BY_DIALBACK: StreamProof = { certificate: 'mismatch', dialback: 'valid', tls: true }
const message = (attrs = {}) =>
  xml(
    'message',
    { from: 'romeo@sip.example', to: 'juliet@xmpp.example', id: 'a', ...attrs },
    xml('body', {}, 'o'),
  )

function bed(row: Partial<S2sLink> = {}, provider: Parameters<typeof xmppProvider>[0] = {}) {
  const sent: { stanza: Element; pair: string }[] = []
  const came: { via: Attached; stanza: Element }[] = []
  const changes: string[] = []
  const counters = new Counters()
  const rules = (link?: Partial<S2sLink>) =>
    open({
      links: link === undefined ? [] : [{ ...ROW, ...link }],
      servedDomains: [served({ links: link === undefined ? [] : ['internet'] })],
      providers: link === undefined ? [] : [xmppProvider({ link: 'internet', ...provider })],
    })
  let snapshot = rules(row)
  const links = new S2sLinks({
    snapshot: () => snapshot,
    send: (stanza, { sender, target }) => sent.push({ stanza, pair: `${sender} ${target}` }) > 0,
    software: { name: 'Test', version: '1' },
    addresses: 100,
    counters,
    onStanza: (via, stanza) => came.push({ via, stanza }),
    onChange: (name, live) => changes.push(`${name} ${live}`),
  })
  links.apply(snapshot)
  const change = (link?: Partial<S2sLink>) => {
    snapshot = rules(link)
    links.apply(snapshot)
  }
  return { links, sent, came, changes, counters, change }
}

describe('a link from server to server', () => {
  test('is usable at once, and a stanza leaves by the domains in it', () => {
    const { links, sent, changes } = bed()
    const via = links.attached(ROW, OWN, OTHER)
    expect(via?.link.live).toBe(true)
    expect(via?.link.send(message())).toBe(true)
    expect(sent.map(({ pair }) => pair)).toEqual(['sip.example xmpp.example'])
    expect(changes).toEqual(['internet true'])
  })

  test('ends with its row, or while that is suspended', () => {
    const { links, changes, change } = bed()
    change({ suspended: true })
    expect(links.attached(ROW, OWN, OTHER)).toBeUndefined()
    change({})
    change()
    expect(changes).toEqual(['internet true', 'internet false', 'internet true', 'internet false'])
  })

  test('brings stanzas with what their stream has proved', () => {
    const { links, came } = bed()
    links.arrived(message(), { sender: OTHER, target: OWN }, BY_DIALBACK)
    expect(came[0]?.via.evidence).toEqual({ kind: 's2s', link: 'internet', ...BY_DIALBACK })
  })

  test('judges without a stream by what the last one proved, and before that by what the rightful server would', () => {
    const { links } = bed()
    expect(links.attached(ROW, OWN, OTHER)?.evidence).toMatchObject({ certificate: 'match' })
    links.arrived(message(), { sender: OTHER, target: OWN }, BY_DIALBACK)
    const via = links.attached(ROW, OWN, OTHER)
    expect(via?.evidence).toMatchObject(BY_DIALBACK)
    expect(links.attached(ROW, OWN, OTHER)).toBe(via)
    expect(links.attached(ROW, OWN, domain('other.example'))?.evidence).toMatchObject({
      certificate: 'match',
    })
    expect(links.attached(ROW, OWN, domain('other.example'))?.link).toBe(via?.link)
  })

  test.for([
    ['dialback over TLS', 'required', { certificate: 'mismatch', dialback: 'valid', tls: true }],
    ['dialback in clear', 'unsupported', { certificate: 'absent', dialback: 'valid', tls: false }],
  ] as const)('expects no certificate of who can prove itself by %s alone', ([, tls, expected]) => {
    const negotiation = { ...DEFAULT_NEGOTIATION, tls, sasl: 'unsupported' } as const
    const { links } = bed({}, { negotiation })
    expect(links.attached(ROW, OWN, OTHER)?.evidence).toMatchObject(expected)
  })

  test('drops what comes when the rules have just taken the link away', () => {
    const { links, came, counters, change } = bed()
    change({ suspended: true })
    links.arrived(message(), { sender: OTHER, target: OWN }, BY_DIALBACK)
    expect(came).toEqual([])
    expect(counters.get('xmpp.no-s2s-link')).toBe(1)
  })
})

describe('a stanza that did not leave', () => {
  const bounce = { condition: 'remote-server-timeout', text: 'ECONNREFUSED 192.0.2.1:5269' } as const

  test('is answered as if the other server had said so, with the cause', () => {
    const { links, came, counters } = bed()
    links.bounced(message(), bounce)
    const error = came[0]?.stanza as Element
    expect(error.attrs).toMatchObject({
      from: 'juliet@xmpp.example',
      to: 'romeo@sip.example',
      id: 'a',
      type: 'error',
    })
    expect(parseStanzaError(error)).toMatchObject(bounce)
    expect(counters.get('xmpp.undelivered')).toBe(1)
  })

  test('is not answered where it is an error itself', () => {
    const { links, came, counters } = bed()
    links.bounced(message({ type: 'error' }), bounce)
    expect(came).toEqual([])
    expect(counters.get('xmpp.undelivered')).toBe(1)
  })
})
