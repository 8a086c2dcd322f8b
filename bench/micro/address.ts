import { type Addressing, jidToUri, uriToJid } from '../../src/interworking/address.ts'
import { parseDomain } from '../../src/kernel/domain.ts'
import type { Result } from '../../src/kernel/result.ts'
import { parseUri } from '../../src/sip/uri-parse.ts'
import { domainOf, parseJid } from '../../src/xmpp/jid.ts'
import { measure } from './harness.ts'

function must<T>(result: Result<T, string>): T {
  if (!result.ok) throw new Error(result.error)
  return result.value
}
const list = <T>(make: (i: number) => T): T[] => Array.from({ length: 1000 }, (_, i) => make(i))
const at = <T>(values: readonly T[], i: number): T => values[i % values.length] as T

const plain = list((i) => `user${i}@xmpp.example/phone-${i}`)
const capitals = list((i) => `User${i}@XMPP.example/Phone-${i}`)
const international = list((i) => `müller${i}@büro.example/Büro ${i}`)
measure('address/parseJid, plain', (i) => must(parseJid(at(plain, i))))
measure('address/parseJid, capitals', (i) => must(parseJid(at(capitals, i))))
measure('address/parseJid, international', (i) => must(parseJid(at(international, i))))

const jids = plain.map((text) => must(parseJid(text)))
measure('address/domainOf, plain', (i) => domainOf(at(jids, i)))

const straight: Addressing = { kind: 'straight' }
const escaped: Addressing = { kind: 'escaped', gateway: must(parseDomain('gw.example')) }
measure('address/jidToUri, straight', (i) => must(jidToUri(at(jids, i), straight)))
const uris = list((i) => must(parseUri(`sip:user${i}@sip.example;gr=phone-${i}`)))
measure('address/uriToJid, straight', (i) => must(uriToJid(at(uris, i), straight, 'sip-user')))
measure('address/uriToJid, escaped', (i) => must(uriToJid(at(uris, i), escaped, 'sip-user')))
const atGateway = list((i) => must(parseJid(`user${i}\\40sip.example@gw.example/phone-${i}`)))
measure('address/jidToUri, escaped', (i) => must(jidToUri(at(atGateway, i), escaped)))
const internationalJids = international.map((text) => must(parseJid(text)))
measure('address/jidToUri, international', (i) => must(jidToUri(at(internationalJids, i), straight)))
