import { type Domain, parseDomain, unicodeOf } from '../../kernel/domain.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import { CONDITIONS, isStanzaCondition, type StanzaCondition } from '../stanza-error.ts'
import { type Element, xml } from '../xml/element.ts'

/** To be declared on the stream header with the prefix `db`: some peers know no other (XEP-0220 §2.4.1). */
export const DIALBACK = 'jabber:server:dialback'
export const DIALBACK_FEATURE = 'urn:xmpp:features:dialback'
const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

/** Conditions of a dialback error: those of stanzas, and one that XEP-0220 §2.5 has besides. */
export type DialbackCondition = StanzaCondition | 'remote-connection-failed'

export type Verdict =
  | { readonly type: 'valid' }
  | { readonly type: 'invalid' }
  | { readonly type: 'error'; readonly condition: DialbackCondition }

/** A domain, and how it was spelled: keys are made over the letters, and peers compare them. */
export interface Party {
  readonly domain: Domain
  readonly text: string
}

interface Between {
  readonly from: Party
  readonly to: Party
}

/** `db:result`: a key to prove `from` with (step 1), and what came of it (step 4). */
export interface ResultRequest extends Between {
  readonly element: 'result'
  readonly kind: 'request'
  readonly key: string
}
export interface ResultAnswer extends Between {
  readonly element: 'result'
  readonly kind: 'answer'
  readonly verdict: Verdict
}
/** `db:verify`: did `to` make this key for the stream `id` (step 2), and the answer (step 3). */
export interface VerifyRequest extends Between {
  readonly element: 'verify'
  readonly kind: 'request'
  readonly id: string
  readonly key: string
}
export interface VerifyAnswer extends Between {
  readonly element: 'verify'
  readonly kind: 'answer'
  readonly id: string
  readonly verdict: Verdict
}
export type Dialback = ResultRequest | ResultAnswer | VerifyRequest | VerifyAnswer

/** `not-dialback`: another namespace or name. Everything else is dialback that nobody can work with. */
export type DialbackFault = 'not-dialback' | 'bad-from' | 'bad-to' | 'bad-id' | 'bad-key' | 'bad-type'

export interface DialbackLimits {
  /** Characters of a key (256). */
  readonly key: number
  /** Characters of a stream id (256). */
  readonly id: number
}
export const DEFAULT_DIALBACK_LIMITS: DialbackLimits = { key: 256, id: 256 }

/** A child of the stream as dialback (XEP-0220 §2); its namespace must be resolvable. */
export function readDialback(
  element: Element,
  limits: DialbackLimits = DEFAULT_DIALBACK_LIMITS,
): Result<Dialback, DialbackFault> {
  const name = element.getName()
  if (element.getNS() !== DIALBACK || (name !== 'result' && name !== 'verify')) return err('not-dialback')
  const from = partyOf(element.attrs.from)
  if (from === undefined) return err('bad-from')
  const to = partyOf(element.attrs.to)
  if (to === undefined) return err('bad-to')
  const id: unknown = element.attrs.id
  if (name === 'verify' && (typeof id !== 'string' || id === '' || id.length > limits.id))
    return err('bad-id')

  const type: unknown = element.attrs.type
  if (type === undefined) {
    // Printed with white space around it (XEP-0220 example 1).
    const key = element.getText().trim()
    if (!/^[!-~]+$/.test(key) || key.length > limits.key) return err('bad-key')
    return ok(
      name === 'result'
        ? { element: name, kind: 'request', from, to, key }
        : { element: name, kind: 'request', from, to, id: id as string, key },
    )
  }
  if (type !== 'valid' && type !== 'invalid' && type !== 'error') return err('bad-type')
  const verdict: Verdict = type === 'error' ? { type, condition: conditionIn(element) } : { type }
  return ok(
    name === 'result'
      ? { element: name, kind: 'answer', from, to, verdict }
      : { element: name, kind: 'answer', from, to, id: id as string, verdict },
  )
}

function partyOf(text: unknown): Party | undefined {
  if (typeof text !== 'string') return undefined
  const domain = parseDomain(text)
  return domain.ok ? { domain: domain.value, text } : undefined
}

/** Where nothing usable is said, `undefined-condition`; that it is an error counts, not which. */
function conditionIn(element: Element): DialbackCondition {
  for (const child of element.getChildElements()) {
    if (child.getName() !== 'error') continue
    for (const condition of child.getChildElements()) {
      const name = condition.getName()
      if (condition.getNS() !== STANZAS) continue
      if (name === 'remote-connection-failed' || isStanzaCondition(name)) return name
    }
  }
  return 'undefined-condition'
}

/** A domain as we write it where the other side has not written it before: with U-labels (RFC 7622 §3.2). */
export const partyFor = (domain: Domain): Party => ({ domain, text: unicodeOf(domain) })

/** The element; the prefix `db` is that of the stream header. */
export function writeDialback(dialback: Dialback): Element {
  const { element, from, to } = dialback
  const attrs = {
    from: from.text,
    to: to.text,
    ...(element === 'verify' ? { id: dialback.id } : {}),
    ...(dialback.kind === 'answer' ? { type: dialback.verdict.type } : {}),
  }
  if (dialback.kind === 'request') return xml(`db:${element}`, attrs, dialback.key)
  if (dialback.verdict.type !== 'error') return xml(`db:${element}`, attrs)
  const { condition } = dialback.verdict
  const type = condition === 'remote-connection-failed' ? 'cancel' : CONDITIONS[condition].type
  return xml(`db:${element}`, attrs, xml('error', { type }, xml(condition, { xmlns: STANZAS })))
}

export function answerTo(request: ResultRequest, verdict: Verdict): ResultAnswer
export function answerTo(request: VerifyRequest, verdict: Verdict): VerifyAnswer
/** The answer to a request: addresses swapped, spelled as they came. */
export function answerTo(request: ResultRequest | VerifyRequest, verdict: Verdict): Dialback {
  const { from, to } = request
  return request.element === 'result'
    ? { element: 'result', kind: 'answer', from: to, to: from, verdict }
    : { element: 'verify', kind: 'answer', from: to, to: from, id: request.id, verdict }
}

export const failed = (condition: DialbackCondition): Verdict => ({ type: 'error', condition })
