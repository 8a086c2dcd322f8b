import type { Address } from '../federation/address.ts'
import type { SipProvider } from '../federation/model.ts'
import { canonicalName } from '../sip/header-names.ts'
import type { Headers } from '../sip/headers.ts'
import { parseNameAddrs } from '../sip/name-addr.ts'
import { addressOf } from './address-book.ts'

export type Asserted = 'verified' | 'unverified' | 'absent'

const IDENTITY = 'P-Asserted-Identity'

/**
 * What a provider says of its user in the header that its row names: the word `verified` or `unverified` in it, be it
 * alone or a parameter's value. Where the two contradict each other, `unverified` counts. In P-Asserted-Identity
 * (RFC 3325) it is the sender's own address that counts as `verified`. To be asked only of the authenticated peer itself.
 */
export function assertedBy(provider: SipProvider | undefined, headers: Headers, sender: Address): Asserted {
  if (provider?.assertingHeader === undefined) return 'absent'
  const name = canonicalName(provider.assertingHeader)
  const values = headers.all(name)
  if (values.length === 0) return 'absent'
  if (name === IDENTITY) return values.some((value) => names(value, sender)) ? 'verified' : 'unverified'
  const words = new Set(values.flatMap((value) => value.toLowerCase().split(/[;,]/)).map(said))
  if (words.has('unverified')) return 'unverified'
  return words.has('verified') ? 'verified' : 'absent'
}

/** `ms-source-verified-user=verified` says `verified`. */
const said = (piece: string): string => piece.slice(piece.indexOf('=') + 1).trim()

function names(value: string, sender: Address): boolean {
  const identities = parseNameAddrs(value)
  if (!identities.ok) return false
  return identities.value.some(({ uri }) => {
    const address = addressOf(uri)
    return address?.user === sender.user && address.domain === sender.domain
  })
}
