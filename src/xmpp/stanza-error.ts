import { Element, xml } from './xml/element.ts'

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

export type ErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait'

/** Every defined condition: the type that RFC 6120 §8.3.3 gives it, and the code of the older kind (XEP-0086). */
export const CONDITIONS = {
  'bad-request': { type: 'modify', code: 400 },
  conflict: { type: 'cancel', code: 409 },
  'feature-not-implemented': { type: 'cancel', code: 501 },
  forbidden: { type: 'auth', code: 403 },
  gone: { type: 'cancel', code: 302 },
  'internal-server-error': { type: 'cancel', code: 500 },
  'item-not-found': { type: 'cancel', code: 404 },
  'jid-malformed': { type: 'modify', code: 400 },
  'not-acceptable': { type: 'modify', code: 406 },
  'not-allowed': { type: 'cancel', code: 405 },
  'not-authorized': { type: 'auth', code: 401 },
  'policy-violation': { type: 'modify', code: 406 },
  'recipient-unavailable': { type: 'wait', code: 404 },
  redirect: { type: 'modify', code: 302 },
  'registration-required': { type: 'auth', code: 407 },
  'remote-server-not-found': { type: 'cancel', code: 404 },
  'remote-server-timeout': { type: 'wait', code: 504 },
  'resource-constraint': { type: 'wait', code: 500 },
  'service-unavailable': { type: 'cancel', code: 503 },
  'subscription-required': { type: 'auth', code: 407 },
  'undefined-condition': { type: 'cancel', code: 500 },
  'unexpected-request': { type: 'wait', code: 400 },
} as const satisfies Record<string, { type: ErrorType; code: number }>

export type StanzaCondition = keyof typeof CONDITIONS

export const isStanzaCondition = (name: string): name is StanzaCondition => Object.hasOwn(CONDITIONS, name)

/** A stanza error in parts. */
export interface StanzaError {
  readonly condition: StanzaCondition
  readonly type: ErrorType
  readonly text: string | undefined
  /** The new address, as character data of `<gone/>` or `<redirect/>`. */
  readonly address: string | undefined
}

export interface ErrorOptions {
  readonly type?: ErrorType
  readonly text?: string
  readonly address?: string
  /** Adds the `code` attribute of XEP-0086, for peers of the older kind. */
  readonly legacyCode?: boolean
}

/**
 * The error stanza that answers `stanza`: addresses swapped, id kept (RFC 6120 §8.3.1). Undefined where there must be none: an error
 * is never answered, nor is the result of an IQ.
 */
export function stanzaError(
  stanza: Element,
  condition: StanzaCondition,
  options: ErrorOptions = {},
): Element | undefined {
  const type = stanza.attrs.type as string | undefined
  if (type === 'error' || (stanza.name === 'iq' && type === 'result')) return undefined
  const row = CONDITIONS[condition]
  const error = xml(
    'error',
    {
      type: options.type ?? row.type,
      ...(options.legacyCode === true ? { code: String(row.code) } : {}),
    },
    options.address === undefined
      ? xml(condition, { xmlns: STANZAS })
      : xml(condition, { xmlns: STANZAS }, options.address),
  )
  if (options.text !== undefined)
    error.append(xml('text', { xmlns: STANZAS, 'xml:lang': 'en' }, options.text))
  const answer = new Element(stanza.name, { type: 'error' })
  if (stanza.attrs.to !== undefined) answer.attrs.from = stanza.attrs.to
  if (stanza.attrs.from !== undefined) answer.attrs.to = stanza.attrs.from
  if (stanza.attrs.id !== undefined) answer.attrs.id = stanza.attrs.id
  answer.append(error)
  return answer
}

/** What an error stanza says; a stanza without a defined condition says `undefined-condition` (RFC 6120 §8.3.2). */
export function parseStanzaError(stanza: Element): StanzaError {
  const error = stanza.getChild('error')
  let condition: StanzaCondition = 'undefined-condition'
  let address: string | undefined
  for (const child of error?.getChildElements() ?? []) {
    const name = child.getName()
    if (child.getNS() !== STANZAS || !isStanzaCondition(name)) continue
    condition = name
    const text = child.text().trim()
    if ((name === 'gone' || name === 'redirect') && text !== '') address = text
    break
  }
  const type = error?.attrs.type as string | undefined
  return {
    condition,
    type: isErrorType(type) ? type : CONDITIONS[condition].type,
    text: error?.getChildText('text', STANZAS) ?? undefined,
    address,
  }
}

const isErrorType = (text: string | undefined): text is ErrorType =>
  text === 'auth' || text === 'cancel' || text === 'continue' || text === 'modify' || text === 'wait'
