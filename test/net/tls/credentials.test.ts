import { expect, test } from 'vitest'
import { Credentials } from '../../../src/net/tls/credentials.ts'
import { Authority, type Wish } from '../../support/certificates.ts'

const authority = new Authority('Test CA')
const of = (name: string, wish: Wish) => {
  const { cert, key } = authority.issue(wish)
  return { name, cert, key }
}
const credentials = new Credentials({
  certificates: [
    of('first', { dns: ['first.example'] }),
    of('wild', { dns: ['*.corp.example'] }),
    of('exact', { dns: ['im.corp.example'] }),
    of('domain', { uri: ['sip:sip.example'] }),
  ],
  trust: { anchors: [] },
})

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
