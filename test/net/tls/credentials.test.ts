import { expect, test } from 'vitest'
import { Credentials } from '../../../src/net/tls/credentials.ts'
import { provesXmpp } from '../../../src/net/tls/xmpp-identity.ts'
import { Authority, type Wish } from '../../support/certificates.ts'

const authority = new Authority('Test CA')
const of = (name: string, wish: Wish) => {
  const { cert, key } = authority.issue(wish)
  return { name, cert, key }
}
const material = {
  certificates: [
    of('first', { dns: ['first.example'] }),
    of('wild', { dns: ['*.corp.example'] }),
    of('exact', { dns: ['im.corp.example'] }),
    of('domain', { uri: ['sip:sip.example'] }),
  ],
  trust: { anchors: [] },
}
const credentials = new Credentials(material, provesXmpp)

test.for([
  ['the domain itself, before any wildcard', 'im.corp.example', 'exact'],
  ['a wildcard, as XMPP servers believe them', 'chat.corp.example', 'wild'],
  ['a wildcard stands for one label', 'a.b.corp.example', 'first'],
  ['a SIP domain', 'sip.example', 'domain'],
  ['nobody’s name gets the first', 'unknown.example', 'first'],
  ['what is no name gets the first', 'not a name', 'first'],
] as const)('the certificate is chosen by name: %s', ([, asked, expected]) => {
  expect(credentials.choose(undefined, asked)?.name).toBe(expected)
})

test('only those of a listener are chosen from', () => {
  expect(credentials.choose(['domain', 'first'], 'im.corp.example')?.name).toBe('domain')
  expect(credentials.choose([], 'im.corp.example')).toBeUndefined()
})

test('SIP knows no wildcards: there only the exact name chooses (RFC 5922 §7.2)', () => {
  const sip = new Credentials(material)
  expect(sip.choose(undefined, 'chat.corp.example')?.name).toBe('first')
  expect(sip.choose(undefined, 'im.corp.example')?.name).toBe('exact')
})
