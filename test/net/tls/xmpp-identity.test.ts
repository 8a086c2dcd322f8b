import { expect, test } from 'vitest'
import { type Domain, parseDomain } from '../../../src/kernel/domain.ts'
import { readCertificate } from '../../../src/net/tls/certificate.ts'
import { presentedNames } from '../../../src/net/tls/presented-names.ts'
import { sipIdentities } from '../../../src/net/tls/sip-identity.ts'
import { type XmppProof, xmppProof } from '../../../src/net/tls/xmpp-identity.ts'
import {
  alternatives,
  der,
  oid,
  otherName,
  selfSigned,
  srvName,
  type Wish,
  xmppAddr,
} from '../../support/certificates.ts'

const XMPP_ADDR = '1.3.6.1.5.5.7.8.5'
const DNS_SRV = '1.3.6.1.5.5.7.8.7'
const UTF8 = 0x0c
const IA5 = 0x16

function namesOf(wish: Wish) {
  const certificate = readCertificate(selfSigned(wish).x509)
  return certificate.ok ? presentedNames(certificate.value) : undefined
}

function canonical(text: string): Domain {
  const domain = parseDomain(text)
  if (!domain.ok) throw new Error(`${text}: ${domain.error}`)
  return domain.value
}

/** By what a real certificate of that kind proves the domain; undefined: not at all. */
function proof(wish: Wish, domain: string): XmppProof | undefined {
  const names = namesOf(wish)
  return names === undefined ? undefined : xmppProof(names, canonical(domain))
}

/** The certificate of RFC 6120 §13.7.1.2.2, second example. */
const ISP: Wish = {
  commonName: 'Example Internet Services',
  dns: ['example.net', '*.example.net'],
  names: [
    srvName('_xmpp-client.example.net'),
    srvName('_xmpp-server.example.net'),
    srvName('_xmpp-server.chat.example.net'),
    xmppAddr('example.net'),
    xmppAddr('chat.example.net'),
  ],
}

test.for<readonly [domain: string, by: XmppProof['by'] | undefined, name?: string]>([
  ['example.net', 'xmpp-addr', 'example.net'],
  ['chat.example.net', 'xmpp-addr', 'chat.example.net'],
  ['conference.example.net', 'wildcard', '*.example.net'],
  ['a.conference.example.net', undefined],
  ['example.org', undefined],
  ['net', undefined],
])('RFC 6120 §13.7.1.2.2, the second example: %s by %s', ([domain, by, name]) => {
  expect(proof(ISP, domain)).toEqual(by && { by, name })
})

test.for<readonly [what: string, wish: Wish, domain: string, by: XmppProof['by']]>([
  ['XmppAddr', { names: [xmppAddr('im.example')] }, 'im.example', 'xmpp-addr'],
  ['XmppAddr in any case of ASCII letters', { names: [xmppAddr('IM.Example')] }, 'im.example', 'xmpp-addr'],
  ['XmppAddr with U-labels', { names: [xmppAddr('bücher.example')] }, 'xn--bcher-kva.example', 'xmpp-addr'],
  ['XmppAddr with A-labels', { names: [xmppAddr('xn--bcher-kva.example')] }, 'bücher.example', 'xmpp-addr'],
  ['SRV-ID', { names: [srvName('_xmpp-server.im.example')] }, 'im.example', 'srv-id'],
  ['SRV-ID in any case', { names: [srvName('_XMPP-Server.IM.Example')] }, 'im.example', 'srv-id'],
  [
    'SRV-ID with A-labels',
    { names: [srvName('_xmpp-server.xn--bcher-kva.example')] },
    'bücher.example',
    'srv-id',
  ],
  ['DNS-ID', { dns: ['im.example'] }, 'im.example', 'dns-id'],
  ['DNS-ID in any case (RFC 6125 §6.4.1)', { dns: ['IM.EXAMPLE'] }, 'im.example', 'dns-id'],
  ['DNS-ID with A-labels (§6.4.2)', { dns: ['XN--bcher-kva.example'] }, 'bücher.example', 'dns-id'],
  ['the last of many', { dns: ['a.example', 'b.example', 'im.example'] }, 'im.example', 'dns-id'],
  [
    'DNS-ID beside an SRV-ID of another service',
    { dns: ['im.example'], names: [srvName('_imap.im.example')] },
    'im.example',
    'dns-id',
  ],
  ['a wildcard for one label (§6.4.3)', { dns: ['*.im.example'] }, 'chat.im.example', 'wildcard'],
  ['a wildcard for an A-label as a whole', { dns: ['*.im.example'] }, 'bücher.im.example', 'wildcard'],
  [
    'the name itself before a wildcard',
    { dns: ['*.im.example', 'chat.im.example'] },
    'chat.im.example',
    'dns-id',
  ],
  ['the common name without subjectAltName', { commonName: 'IM.example' }, 'im.example', 'common-name'],
])('proves: %s', ([, wish, domain, by]) => {
  expect(proof(wish, domain)?.by).toBe(by)
})

test('the log is told the name as it stands in the certificate', () => {
  expect(proof({ names: [srvName('_XMPP-server.IM.example')] }, 'im.example')).toEqual({
    by: 'srv-id',
    name: '_XMPP-server.IM.example',
  })
})

test.for<readonly [what: string, wish: Wish, domain: string]>([
  // Whom it is for.
  ['XmppAddr of a person', { names: [xmppAddr('juliet@im.example')] }, 'im.example'],
  ['XmppAddr with a resource', { names: [xmppAddr('im.example/balcony')] }, 'im.example'],
  ['XmppAddr of what is below', { names: [xmppAddr('chat.im.example')] }, 'im.example'],
  ['XmppAddr of what is above', { names: [xmppAddr('im.example')] }, 'chat.im.example'],
  ['SRV-ID for clients', { names: [srvName('_xmpp-client.im.example')] }, 'im.example'],
  [
    'SRV-ID of direct TLS, which XEP-0368 does not know',
    { names: [srvName('_xmpps-server.im.example')] },
    'im.example',
  ],
  ['SRV-ID with the protocol in it', { names: [srvName('_xmpp-server._tcp.im.example')] }, 'im.example'],
  ['SRV-ID without a service', { names: [srvName('im.example')] }, 'im.example'],
  ['a DNS name that looks like an SRV-ID', { dns: ['_xmpp-server.im.example'] }, 'im.example'],
  ['a URI', { uri: ['xmpp:im.example', 'https://im.example'] }, 'im.example'],
  // Wildcards.
  ['a wildcard for the domain above', { dns: ['*.im.example'] }, 'im.example'],
  ['a wildcard for two labels', { dns: ['*.im.example'] }, 'a.b.im.example'],
  ['a wildcard alone', { dns: ['*'] }, 'example'],
  ['a wildcard alone for two labels', { dns: ['*'] }, 'im.example'],
  ['a wildcard for all of a top-level domain', { dns: ['*.example'] }, 'im.example'],
  ['a wildcard in the middle', { dns: ['chat.*.example'] }, 'chat.im.example'],
  ['two wildcards', { dns: ['*.*.example'] }, 'chat.im.example'],
  ['a wildcard for the beginning of a label', { dns: ['*t.im.example'] }, 'chat.im.example'],
  ['a wildcard for the end of a label', { dns: ['c*.im.example'] }, 'chat.im.example'],
  ['a wildcard within a label', { dns: ['c*t.im.example'] }, 'chat.im.example'],
  ['a wildcard within an A-label', { dns: ['xn--*.im.example'] }, 'bücher.im.example'],
  ['two stars in a label', { dns: ['**.im.example'] }, 'chat.im.example'],
  ['a wildcard in XmppAddr', { names: [xmppAddr('*.im.example')] }, 'chat.im.example'],
  [
    'a wildcard in an SRV-ID, whose leftmost label is the service',
    { names: [srvName('_xmpp-server.*.im.example')] },
    'chat.im.example',
  ],
  ['a wildcard for the service', { names: [srvName('*.im.example')] }, 'im.example'],
  ['a wildcard in the common name', { commonName: '*.im.example' }, 'chat.im.example'],
  ['a leading dot', { dns: ['.im.example'] }, 'chat.im.example'],
  // The common name.
  ['the common name beside a DNS name', { commonName: 'im.example', dns: ['b.example'] }, 'im.example'],
  [
    'the common name beside a useless URI',
    { commonName: 'im.example', uri: ['https://b.example'] },
    'im.example',
  ],
  [
    'the common name beside an XmppAddr',
    { commonName: 'im.example', names: [xmppAddr('b.example')] },
    'im.example',
  ],
  [
    'the common name beside an otherName that nobody knows',
    { commonName: 'im.example', names: [otherName('1.3.6.1.4.1.311.20.2.3', der(UTF8, Buffer.from('x')))] },
    'im.example',
  ],
  [
    'the common name beside an empty subjectAltName',
    { commonName: 'im.example', extensions: [['2.5.29.17', false, alternatives([])]] },
    'im.example',
  ],
  ['a common name that is no domain', { commonName: 'im.example Ltd' }, 'im.example'],
  // Names that are read in two ways.
  ['NUL in a DNS name', { dns: ['im.example\0.evil.example'] }, 'im.example'],
  ['NUL at the end of a DNS name', { dns: ['im.example\0'] }, 'im.example'],
  ['NUL in XmppAddr', { names: [xmppAddr('im.example\0.evil.example')] }, 'im.example'],
  ['NUL in an SRV-ID', { names: [srvName('_xmpp-server.im.example\0.evil.example')] }, 'im.example'],
  ['NUL in the common name', { commonName: 'im.example\0.evil.example' }, 'im.example'],
  [
    'quotes and commas in a DNS name',
    { dns: ['evil.example", DNS:"im.example', 'evil.example, DNS:im.example'] },
    'im.example',
  ],
  [
    'quotes and commas in XmppAddr',
    { names: [xmppAddr('evil.example", othername: XmppAddr:im.example')] },
    'im.example',
  ],
  [
    'a line break',
    { dns: ['evil.example\nim.example'], names: [xmppAddr('evil.example\nim.example')] },
    'im.example',
  ],
  ['space around', { dns: [' im.example', 'im.example '], names: [xmppAddr(' im.example')] }, 'im.example'],
  ['a final dot', { dns: ['im.example.'], names: [xmppAddr('im.example.')] }, 'im.example'],
  ['an empty name', { dns: [''], names: [xmppAddr(''), srvName('')] }, 'im.example'],
  // Names that only IDNA would make equal.
  ['the Kelvin sign is no k', { names: [xmppAddr('\u212aim.example')] }, 'kim.example'],
  ['letters of full width', { names: [xmppAddr('ｉｍ.example')] }, 'im.example'],
  ['a dot of full width', { names: [xmppAddr('im．example')] }, 'im.example'],
  ['an ideographic full stop', { names: [xmppAddr('im。example')] }, 'im.example'],
  ['a soft hyphen', { names: [xmppAddr('i\u00adm.example')] }, 'im.example'],
  ['a byte order mark', { names: [xmppAddr('\ufeffim.example')] }, 'im.example'],
  ['Cyrillic letters that look alike', { names: [xmppAddr('ім.example')] }, 'im.example'],
  ['letters that are not composed', { names: [xmppAddr('bu\u0308cher.example')] }, 'bücher.example'],
  ['U-labels with capitals, which are none', { names: [xmppAddr('BÜCHER.example')] }, 'bücher.example'],
  ['an A-label of plain ASCII', { dns: ['xn--im-.example'] }, 'im.example'],
  ['a dot within an A-label', { dns: ['xn--im.example-.net'] }, 'im.example'],
  ['an escaped A-label', { names: [xmppAddr('%69m.example')] }, 'im.example'],
])('does not prove: %s', ([, wish, domain]) => {
  const names = namesOf(wish)
  expect(names).toBeDefined()
  expect(names && xmppProof(names, canonical(domain))).toBeUndefined()
})

const text = (tag: number, value: string): Buffer => der(tag, Buffer.from(value))

test.for<readonly [what: string, name: Uint8Array]>([
  ['XmppAddr that is an IA5String', otherName(XMPP_ADDR, text(IA5, 'im.example'))],
  ['XmppAddr that is a PrintableString', otherName(XMPP_ADDR, text(0x13, 'im.example'))],
  ['XmppAddr that is an OCTET STRING', otherName(XMPP_ADDR, text(0x04, 'im.example'))],
  ['XmppAddr that is not UTF-8', otherName(XMPP_ADDR, der(UTF8, Buffer.from('im.example\xff', 'latin1')))],
  [
    'XmppAddr in UTF-8 that is longer than needed',
    otherName(XMPP_ADDR, der(UTF8, Buffer.from('im\xc0\xae.example', 'latin1'))),
  ],
  ['XmppAddr within a list', otherName(XMPP_ADDR, der(0x30, text(UTF8, 'im.example')))],
  ['XmppAddr within a second tag', otherName(XMPP_ADDR, der(0xa0, text(UTF8, 'im.example')))],
  [
    'XmppAddr with a second one',
    otherName(XMPP_ADDR, Buffer.concat([text(UTF8, 'im.example'), text(UTF8, 'im.example')])),
  ],
  ['XmppAddr that is cut', otherName(XMPP_ADDR, text(UTF8, 'im.example').subarray(0, 8))],
  ['XmppAddr of nothing', otherName(XMPP_ADDR, Buffer.of())],
  ['XmppAddr in an implicit tag', der(0xa0, oid(XMPP_ADDR), text(0x80, 'im.example'))],
  ['XmppAddr in a tag of another number', der(0xa0, oid(XMPP_ADDR), der(0xa1, text(UTF8, 'im.example')))],
  ['XmppAddr without any tag', der(0xa0, oid(XMPP_ADDR), text(UTF8, 'im.example'))],
  [
    'something behind XmppAddr',
    der(0xa0, oid(XMPP_ADDR), der(0xa0, text(UTF8, 'im.example')), text(UTF8, 'x')),
  ],
  ['a type that is no OID', der(0xa0, text(IA5, XMPP_ADDR), der(0xa0, text(UTF8, 'im.example')))],
  ['the type alone', der(0xa0, oid(XMPP_ADDR))],
  ['an otherName of nothing', der(0xa0)],
  ['an otherName that is not constructed', der(0x80, oid(XMPP_ADDR), der(0xa0, text(UTF8, 'im.example')))],
  ['another type: NAIRealm', otherName('1.3.6.1.5.5.7.8.8', text(UTF8, 'im.example'))],
  ['an arc too many', otherName(`${XMPP_ADDR}.0`, text(UTF8, 'im.example'))],
  ['an otherName within an otherName', otherName(XMPP_ADDR, xmppAddr('im.example'))],
  ['the value of an SRV-ID as XmppAddr', otherName(XMPP_ADDR, text(UTF8, '_xmpp-server.im.example'))],
  ['SRV-ID that is a UTF8String', otherName(DNS_SRV, text(UTF8, '_xmpp-server.im.example'))],
  ['SRV-ID that is not ASCII', otherName(DNS_SRV, text(IA5, '_xmpp-server.im.example\u00e9'))],
  ['the value of an XmppAddr as SRV-ID', otherName(DNS_SRV, text(IA5, 'im.example'))],
])('an otherName that is passed over, and no hindrance to the others: %s', ([, name]) => {
  expect(proof({ names: [name], dns: ['other.example'] }, 'im.example')).toBeUndefined()
  expect(proof({ names: [name], dns: ['other.example'] }, 'other.example')?.by).toBe('dns-id')
  expect(proof({ names: [name, xmppAddr('im.example')] }, 'im.example')?.by).toBe('xmpp-addr')
})

test('names of XMPP take nothing from what the certificate proves to SIP, and give nothing', () => {
  const names = namesOf({
    names: [xmppAddr('a.example'), srvName('_xmpp-server.b.example')],
    dns: ['c.example'],
  })
  expect(names && sipIdentities(names)).toEqual(['c.example'])
})

test.for([
  ['not ASCII', { dns: ['im.example', 'b\xfccher.example'] }],
  [
    'a subjectAltName that is cut',
    { extensions: [['2.5.29.17', false, alternatives(['im.example']).subarray(0, 8)]] },
  ],
  [
    'two of them',
    { dns: ['evil.example'], extensions: [['2.5.29.17', false, alternatives(['im.example'])]] },
  ],
] as const)('a certificate that cannot be read proves nothing: %s', ([, wish]) => {
  expect(namesOf(wish)).toBeUndefined()
})

test('a domain of one label has no wildcard, and is proved by its name', () => {
  expect(proof({ dns: ['localhost', '*.localhost', '*.'] }, 'localhost')?.by).toBe('dns-id')
  expect(proof({ dns: ['*.localhost', '*.', '*'] }, 'localhost')).toBeUndefined()
})
