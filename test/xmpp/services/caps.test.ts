import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { CAPS, verificationString } from '../../../src/xmpp/services/caps.ts'
import { capsElement, deviceOf, SOFTWARE_NODE } from '../../../src/xmpp/services/device.ts'
import { type DiscoInfo, infoElement } from '../../../src/xmpp/services/disco.ts'
import { Element } from '../../../src/xmpp/xml/element.ts'
import { writeElement } from '../../../src/xmpp/xml/writer.ts'

const FEATURES = [
  'http://jabber.org/protocol/muc',
  'http://jabber.org/protocol/disco#items',
  'http://jabber.org/protocol/caps',
  'http://jabber.org/protocol/disco#info',
]
const EXODUS: DiscoInfo = {
  identities: [{ category: 'client', type: 'pc', name: 'Exodus 0.9.1' }],
  features: FEATURES,
}
const PSI: DiscoInfo = {
  identities: [
    { category: 'client', type: 'pc', lang: 'en', name: 'Psi 0.11' },
    { category: 'client', type: 'pc', lang: 'el', name: 'Ψ 0.11' },
  ],
  features: FEATURES,
}
const SOFTWARE_INFO = {
  type: 'urn:xmpp:dataforms:softwareinfo',
  fields: {
    software_version: ['0.11'],
    software: ['Psi'],
    os_version: ['10.5.1'],
    os: ['Mac'],
    ip_version: ['ipv6', 'ipv4'],
  },
}

const hashed = (text: string): string => createHash('sha1').update(text).digest('base64')

describe('the verification string of XEP-0115', () => {
  test('§5.2, the simple example', () => {
    expect(verificationString(EXODUS)).toBe('QgayPKawpkPSDYmwT/WM94uAlu0=')
  })

  test('§5.3, the complex example', () => {
    expect(verificationString(PSI, [SOFTWARE_INFO])).toBe('q07IKJEyjvHSyhy//CH0CxmKi8w=')
  })

  test('§5.1: the order in which it is given does not matter', () => {
    const turned = { identities: [...PSI.identities].reverse(), features: [...FEATURES].reverse() }
    const other = { type: 'urn:example:another', fields: { a: ['b'] } }
    expect(verificationString(turned, [other, SOFTWARE_INFO])).toBe(
      verificationString(PSI, [SOFTWARE_INFO, other]),
    )
  })

  test('identities are sorted part by part, not as they are written', () => {
    const identities = [
      { category: 'a', type: 'b' },
      { category: 'a!', type: 'b' },
    ]
    expect(verificationString({ identities, features: [] })).toBe(hashed('a/b//<a!/b//<'))
  })

  test('sorting is by octets (i;octet), where UTF-16 would have it the other way round', () => {
    const features = ['\u{10000}', '\u{ffee}']
    expect(verificationString({ identities: [], features })).toBe(hashed('\u{ffee}<\u{10000}<'))
  })

  test('nothing is unescaped on the way', () => {
    const identities = [{ category: 'client', type: 'pc', name: 'x&lt;http://jabber.org/protocol/muc' }]
    expect(verificationString({ identities, features: [] })).toBe(
      hashed('client/pc//x&lt;http://jabber.org/protocol/muc<'),
    )
  })
})

describe('the caps of a SIP device', () => {
  const software = { name: 'Gate', version: '1.2' }

  test('§6.1: point at the software, and verify what it says of itself', () => {
    const { ver } = capsElement(software).attrs
    expect(writeElement(capsElement(software))).toBe(
      `<c xmlns="${CAPS}" hash="sha-1" node="${SOFTWARE_NODE}" ver="${ver}"/>`,
    )
    const answer = infoElement(deviceOf(software).info)
    const text = (name: string, of: (each: Element) => string): string =>
      answer.getChildren(name).map(of).sort().join('')
    expect(ver).toBe(
      hashed(
        text('identity', ({ attrs }) => `${attrs.category}/${attrs.type}//${attrs.name}<`) +
          text('feature', ({ attrs }) => `${attrs.var}<`),
      ),
    )
  })

  test('are the same in every version that can the same, so that they are asked for once', () => {
    expect(capsElement({ name: 'Gate', version: '1.3' }).attrs).toEqual(capsElement(software).attrs)
  })

  test('can be put into several stanzas', () => {
    const stanzas = [0, 1].map(() => new Element('presence').cnode(capsElement(software)).root())
    for (const stanza of stanzas) expect(stanza.getChild('c', CAPS)?.parent).toBe(stanza)
    expect(stanzas[0]).not.toBe(stanzas[1])
  })
})
