import type { Certificate } from './certificate.ts'
import { asciiOf, context, oidOf, readAll, readOne, TAG, utf8Of, within } from './der.ts'

/** What a certificate says of whom it was issued to: what a protocol makes of it is for its own matcher. */
export interface PresentedNames {
  /** subjectAltName; undefined where the certificate has none. As written there. */
  readonly alternatives: Alternatives | undefined
  /** Of the subject. */
  readonly commonNames: readonly string[]
}

export interface Alternatives {
  readonly dns: readonly string[]
  readonly uri: readonly string[]
  /** id-on-xmppAddr (RFC 6120 §13.7.1.4): a JID, which names a server where it has a domainpart alone. */
  readonly xmppAddr: readonly string[]
  /** id-on-dnsSRV (RFC 4985 §2): `_service.domain`. */
  readonly srv: readonly string[]
}

export const SUBJECT_ALT_NAME = '2.5.29.17'
const OTHER = context(0, true)
const DNS = context(2, false)
const URI = context(6, false)
const XMPP_ADDR = '1.3.6.1.5.5.7.8.5'
const DNS_SRV = '1.3.6.1.5.5.7.8.7'

/**
 * Reads subjectAltName from its DER, since the text that Node makes of it can be forged by a name with quotes or commas
 * in it. Undefined: it cannot be read, and then the certificate proves nothing. An otherName that is not what its type
 * says is passed over instead: it only matters to those who ask for that type, and they find nothing.
 */
export function presentedNames(certificate: Certificate): PresentedNames | undefined {
  const { commonNames, extensions } = certificate
  const extension = extensions.get(SUBJECT_ALT_NAME)
  if (extension === undefined) return { alternatives: undefined, commonNames }
  const list = within(readOne(extension.value), TAG.sequence)
  if (list === undefined) return undefined
  const dns: string[] = []
  const uri: string[] = []
  const xmppAddr: string[] = []
  const srv: string[] = []
  for (const { tag, content } of list) {
    if (tag === OTHER) {
      const other = otherName(content)
      if (other !== undefined) (other.kind === 'srv' ? srv : xmppAddr).push(other.text)
      continue
    }
    const names = tag === DNS ? dns : tag === URI ? uri : undefined
    if (names === undefined) continue
    const text = asciiOf(content)
    if (text === undefined) return undefined
    names.push(text)
  }
  return { alternatives: { dns, uri, xmppAddr, srv }, commonNames }
}

/** RFC 5280 §4.2.1.6: a type, and its value in an explicit tag. */
function otherName(
  content: Uint8Array,
): { readonly kind: 'xmpp-addr' | 'srv'; readonly text: string } | undefined {
  const [id, explicit, ...more] = readAll(content) ?? []
  if (explicit?.tag !== context(0, true) || more.length > 0) return undefined
  const value = readOne(explicit.content)
  switch (oidOf(id)) {
    case XMPP_ADDR: {
      const text = utf8Of(value)
      return text === undefined ? undefined : { kind: 'xmpp-addr', text }
    }
    case DNS_SRV: {
      const text = value?.tag === TAG.ia5String ? asciiOf(value.content) : undefined
      return text === undefined ? undefined : { kind: 'srv', text }
    }
    default:
      return undefined
  }
}
