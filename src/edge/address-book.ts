import { type Address, userKey } from '../federation/address.ts'
import {
  type AddressError,
  type Addressing,
  jidToUri,
  type Party,
  uriToJid,
} from '../interworking/address.ts'
import { BoundedMap } from '../kernel/bounded-map.ts'
import { parseDomain } from '../kernel/domain.ts'
import { flat } from '../kernel/flat.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { unescapeText } from '../sip/escape.ts'
import type { SipUri, Uri } from '../sip/uri.ts'
import { uriText } from '../sip/uri-write.ts'
import { type BareJid, bareOf, parseJid } from '../xmpp/jid.ts'

/** An address of XMPP with all that the edge asks of it. */
export interface Entry {
  readonly bare: BareJid
  /** A full JID: it names a device. */
  readonly full: boolean
  readonly uri: SipUri
  readonly address: Address
}

/** The addresses of one link, remembered: people write to the same people. */
export class AddressBook {
  readonly addressing: Addressing
  readonly #jids: BoundedMap<string, Result<Entry, AddressError>>
  readonly #uris: BoundedMap<string, Result<string, AddressError>>

  constructor(addressing: Addressing, limit: number) {
    this.addressing = addressing
    this.#jids = new BoundedMap(limit)
    this.#uris = new BoundedMap(limit)
  }

  ofJid(text: string): Result<Entry, AddressError> {
    let entry = this.#jids.get(text, 0)
    if (entry === undefined) {
      // The text is cut from a chunk of the stream, and what is made of it from the text.
      const own = flat(text)
      entry = entryOf(own, this.addressing)
      this.#jids.set(own, entry, 0)
    }
    return entry
  }

  uriOf(text: string): Result<Uri, AddressError> {
    const entry = this.ofJid(text)
    return entry.ok ? ok(entry.value.uri) : entry
  }

  jidOf(uri: Uri, party: Party): Result<string, AddressError> {
    const key = `${party} ${uriText(uri)}`
    let jid = this.#uris.get(key, 0)
    if (jid === undefined) {
      const found = uriToJid(uri, this.addressing, party)
      jid = found.ok ? ok(flat(found.value)) : found
      this.#uris.set(flat(key), jid, 0)
    }
    return jid
  }
}

function entryOf(text: string, addressing: Addressing): Result<Entry, AddressError> {
  const jid = parseJid(text)
  if (!jid.ok) return jid
  const uri = jidToUri(jid.value, addressing)
  if (!uri.ok) return uri
  const address = addressOf(uri.value)
  if (address === undefined) return err('bad-host')
  const bare = bareOf(jid.value)
  return ok({ bare, full: bare.length < jid.value.length, uri: uri.value, address })
}

/** The bare address behind a URI; undefined for schemes and hosts that name no user of a domain. */
export function addressOf(uri: Uri): Address | undefined {
  if (uri.scheme === 'tel' || uri.scheme === 'other') return undefined
  const domain = parseDomain(uri.host)
  const user = uri.user === undefined ? '' : unescapeText(uri.user)
  return domain.ok && user !== undefined ? { user: userKey(user), domain: domain.value } : undefined
}
