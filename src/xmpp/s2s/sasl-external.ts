import { type Domain, parseDomain } from '../../kernel/domain.ts'
import { type Element, xml } from '../xml/element.ts'
import { SASL } from './stream-features.ts'

/** SASL failures (RFC 6120 §6.5), those that we send. */
export type SaslCondition =
  | 'aborted'
  | 'encryption-required'
  | 'incorrect-encoding'
  | 'invalid-authzid'
  | 'invalid-mechanism'
  | 'malformed-request'
  | 'not-authorized'

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
/** Characters of an authorization identity in base64: a domain has at most 1023 octets (RFC 7622 §3.2). */
const LONGEST = 1364

/**
 * What is wrong with `<auth/>` before anybody looks at the certificate (XEP-0178 §3): the authorization identity is left out, empty
 * (`=`), or the domain that the stream is from.
 */
export function authFault(auth: Element, other: Domain): SaslCondition | undefined {
  if (auth.attrs.mechanism !== 'EXTERNAL') return 'invalid-mechanism'
  const text = auth.getText().trim()
  if (text === '' || text === '=') return undefined
  if (text.length > LONGEST || !BASE64.test(text)) return 'incorrect-encoding'
  const identity = parseDomain(Buffer.from(text, 'base64').toString('utf8'))
  return identity.ok && identity.value === other ? undefined : 'invalid-authzid'
}

export const saslSuccess = (): Element => xml('success', { xmlns: SASL })
export const saslFailure = (condition: SaslCondition): Element =>
  xml('failure', { xmlns: SASL }, xml(condition))
