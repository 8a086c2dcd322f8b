import { type Address, parseAddress, textOfAddress } from '../federation/address.ts'
import type { ContactMatch } from '../federation/model.ts'
import { type Domain, parseDomain } from '../kernel/domain.ts'
import { ok } from '../kernel/result.ts'
import type { ObjectName } from './objects.ts'
import { type Answer, refuse } from './problem.ts'

/** Names as people give them, made into those of rows. */

export function rowName(object: ObjectName | 'federation', name: string): Answer<string> {
  if (object === 'federation') return ok('federation')
  if (object === 'user') {
    const address = userAddress(name)
    return address.ok ? ok(textOfAddress(address.value)) : address
  }
  return object === 'domain' ? domainName(name) : ok(name.trim())
}

export function userAddress(text: string): Answer<Address> {
  const parsed = parseAddress(text)
  return parsed.ok
    ? parsed
    : refuse('bad-request', `"${text}" is not a user's address`, 'write user@domain or sip:user@domain')
}

export function domainName(text: string): Answer<Domain> {
  const parsed = parseDomain(text)
  return parsed.ok
    ? parsed
    : refuse(
        'bad-request',
        `"${text}" is not a domain name`,
        text.startsWith('*.')
          ? 'leave out "*.": the row of a domain covers its subdomains'
          : 'write a domain name such as example.com',
      )
}

/** What an entry of a contact list is written as; the inverse of `textOfMatch`. */
export function contactMatch(text: string): Answer<ContactMatch> {
  if (text === 'everyone') return ok({ kind: 'everyone' })
  if (text.startsWith('provider:') && text.length > 9) {
    return ok({ kind: 'provider', provider: text.slice(9).trim() })
  }
  if (text.startsWith('@')) {
    const domain = domainName(text.slice(1))
    return domain.ok ? ok({ kind: 'domain', domain: domain.value }) : domain
  }
  const address = parseAddress(text)
  return address.ok
    ? ok({ kind: 'address', address: address.value })
    : refuse(
        'bad-request',
        `"${text}" names no one`,
        'write user@domain, sip:user@domain, @domain, provider:NAME or everyone',
      )
}
