import { createHash, createHmac } from 'node:crypto'
import { type Element, escapeXML } from '@xmpp/xml'

/** What servers say to each other, written down anew for the tests: nothing here comes from `src`. */
export const NS = {
  server: 'jabber:server',
  streams: 'http://etherx.jabber.org/streams',
  dialback: 'jabber:server:dialback',
  tls: 'urn:ietf:params:xml:ns:xmpp-tls',
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  streamErrors: 'urn:ietf:params:xml:ns:xmpp-streams',
  stanzas: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  dialbackFeature: 'urn:xmpp:features:dialback',
  bidi: 'urn:xmpp:bidi',
  bidiFeature: 'urn:xmpp:features:bidi',
  sm: 'urn:xmpp:sm:3',
} as const

export interface HeaderWish {
  readonly from?: string
  readonly to?: string
  readonly id?: string
  /** `1.0` unless told; `null`: none, as servers before 2004. */
  readonly version?: string | null
  /** Is the prefix `db` declared (XEP-0220 §2.4.1)? Yes unless told. */
  readonly dialback?: boolean
}

export function headerText({ from, to, id, version = '1.0', dialback = true }: HeaderWish): string {
  const attributes = { from, to, id, version: version ?? undefined }
  const written = Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined ? [] : [` ${name}='${escapeXML(value)}'`],
  )
  return (
    `<?xml version='1.0'?><stream:stream xmlns='${NS.server}' xmlns:stream='${NS.streams}'` +
    `${dialback ? ` xmlns:db='${NS.dialback}'` : ''}${written.join('')}>`
  )
}

export interface Features {
  readonly starttls?: 'offered' | 'required' | undefined
  readonly external?: boolean | undefined
  readonly dialback?: 'plain' | 'with-errors' | undefined
  readonly bidi?: boolean | undefined
  readonly sm?: boolean | undefined
}

export function featuresText({ starttls, external, dialback, bidi, sm }: Features): string {
  const children = [
    starttls === undefined
      ? ''
      : `<starttls xmlns='${NS.tls}'>${starttls === 'required' ? '<required/>' : ''}</starttls>`,
    external ? `<mechanisms xmlns='${NS.sasl}'><mechanism>EXTERNAL</mechanism></mechanisms>` : '',
    dialback === undefined
      ? ''
      : `<dialback xmlns='${NS.dialbackFeature}'>${dialback === 'with-errors' ? '<errors/>' : ''}</dialback>`,
    bidi ? `<bidi xmlns='${NS.bidiFeature}'/>` : '',
    sm ? `<sm xmlns='${NS.sm}'/>` : '',
  ]
  return `<stream:features>${children.join('')}</stream:features>`
}

export const featuresIn = (features: Element): Features => {
  const starttls = features.getChild('starttls', NS.tls)
  const dialback = features.getChild('dialback', NS.dialbackFeature)
  const mechanisms = features.getChild('mechanisms', NS.sasl)?.getChildren('mechanism') ?? []
  return {
    starttls: starttls && (starttls.getChild('required') ? 'required' : 'offered'),
    external: mechanisms.some((mechanism) => mechanism.getText() === 'EXTERNAL'),
    dialback: dialback && (dialback.getChild('errors') ? 'with-errors' : 'plain'),
    bidi: features.getChild('bidi', NS.bidiFeature) !== undefined,
    sm: features.getChild('sm', NS.sm) !== undefined,
  }
}

export interface DialbackWords {
  readonly from: string
  readonly to: string
  /** Of `db:verify`. */
  readonly id?: string
  readonly type?: 'valid' | 'invalid' | 'error'
  readonly key?: string
  /** Of an answer of type `error`. */
  readonly condition?: string
}

export function dialbackText(element: 'result' | 'verify', words: DialbackWords): string {
  const { from, to, id, type, key = '', condition } = words
  const attributes = Object.entries({ from, to, id, type }).flatMap(([name, value]) =>
    value === undefined ? [] : [` ${name}='${escapeXML(value)}'`],
  )
  const error = condition === undefined ? '' : dialbackError(condition)
  return `<db:${element}${attributes.join('')}>${key}${error}</db:${element}>`
}

const dialbackError = (condition: string): string =>
  `<error type='cancel'><${condition} xmlns='${NS.stanzas}'/></error>`

export const saslFailure = (condition: string): string =>
  `<failure xmlns='${NS.sasl}'><${condition}/></failure>`

export const streamErrorText = (condition: string): string =>
  `<stream:error><${condition} xmlns='${NS.streamErrors}'/></stream:error></stream:stream>`

/** The name of the condition in a stream error, a stanza error, a SASL failure or a dialback error. */
export function conditionOf(element: Element): string | undefined {
  const holder = element.getChild('error') ?? element
  return holder
    .getChildElements()
    .map((child) => child.getName())
    .find((name) => name !== 'text')
}

/** XEP-0185 §2. */
export function dialbackKey(secret: string, receiving: string, originating: string, id: string): string {
  const hashed = createHash('sha256').update(secret).digest('hex')
  return createHmac('sha256', hashed).update(`${receiving} ${originating} ${id}`).digest('hex')
}
