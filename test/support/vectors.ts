import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'ltx'
import type { SipMessage } from '../../src/sip/message.ts'
import { parseNameAddr } from '../../src/sip/name-addr.ts'
import { param } from '../../src/sip/scan.ts'
import { uriText } from '../../src/sip/uri-write.ts'
import { effectiveLang } from '../../src/xmpp/stanza.ts'
import { parseStanzaError } from '../../src/xmpp/stanza-error.ts'
import type { Element } from '../../src/xmpp/xml/element.ts'

const ROOT = new URL('../vectors/', import.meta.url)

export type Assertion = readonly [path: string, operator: string, value: unknown]
export interface VectorMessage {
  readonly protocol: 'sip' | 'xmpp' | 'msrp'
  readonly order?: number
  readonly raw: string
  readonly assert?: readonly Assertion[]
}
export interface VectorCase {
  readonly id: string
  readonly title: string
  readonly direction: 'xmpp-to-sip' | 'sip-to-xmpp'
  readonly input: readonly VectorMessage[]
  readonly expected: readonly VectorMessage[]
}

/** The cases of one RFC, such as `rfc7572`. */
export const interworkingCases = (rfc: string): readonly VectorCase[] =>
  readdirSync(new URL('interworking/', ROOT))
    .filter((name) => name.startsWith(`${rfc}-`))
    .map((name) => JSON.parse(readFileSync(new URL(`interworking/${name}/case.json`, ROOT), 'utf8')))

export const tableRows = <Row>(name: string): readonly Row[] =>
  JSON.parse(readFileSync(new URL(`tables/${name}.json`, ROOT), 'utf8')).rows

export const stanzaOf = (raw: string): Element => parse(raw) as unknown as Element

/** A path of an assertion in a SIP message; undefined where the value is absent. */
export function sipValue(message: SipMessage, path: string): unknown {
  if (path === 'body') return new TextDecoder().decode(message.body)
  if (path.startsWith('pidf.')) return pidfValue(message, path)
  if (path === 'method') return message.kind === 'request' ? message.method : undefined
  if (path === 'status') return message.kind === 'response' ? message.status : undefined
  if (path === 'ruri') return message.kind === 'request' ? uriText(message.uri) : undefined
  const [kind, name = '', parameter = ''] = path.split('.')
  const all = message.headers.all(name)
  if (kind === 'h') return all.length === 0 ? undefined : all.join(',')
  const address = all[0] === undefined ? undefined : parseNameAddr(all[0])
  if (address?.ok !== true) return undefined
  if (kind === 'uri') return uriText(address.value.uri)
  if (kind === 'param') return param(address.value.params, parameter)
  throw new Error(`no such path in a SIP message: ${path}`)
}

/** Of the first tuple, read by a reader that is not ours. */
function pidfValue(message: SipMessage, path: string): unknown {
  const root = parse(new TextDecoder().decode(message.body).replace(/^<\?.*?\?>/, ''))
  const tuple = root.getChild('tuple')
  const status = tuple?.getChild('status')
  switch (path) {
    case 'pidf.entity':
      return root.attrs.entity
    case 'pidf.tuple.id':
      return tuple?.attrs.id
    case 'pidf.basic':
      return status?.getChildText('basic')
    case 'pidf.show':
      return status?.getChildText('show', 'jabber:client')
    case 'pidf.note':
      return tuple?.getChildText('note')
    default:
      throw new Error(`no such path in a document: ${path}`)
  }
}

/** A path of an assertion in a stanza; undefined where the value is absent. */
export function stanzaValue(stanza: Element, path: string): unknown {
  if (path === 'name') return stanza.getName()
  if (path === 'lang') return effectiveLang(stanza)
  if (path.startsWith('@')) return stanza.attrs[path.slice(1)]
  if (path === 'error.condition') return parseStanzaError(stanza).condition
  if (path === 'error.type') return parseStanzaError(stanza).type
  if (path.startsWith('child.')) {
    const [target = '', attribute] = path.slice(6).split('@')
    const dot = target.lastIndexOf('.')
    const child = stanza.getChild(target.slice(dot + 1), target.slice(0, dot))
    return attribute === undefined ? child?.getText() : child?.attrs[attribute]
  }
  return stanza.getChild(path)?.getText()
}

/** Whether an assertion holds for the value at its path. */
export function holds(actual: unknown, operator: string, wanted: unknown): boolean {
  const lines = (value: unknown) => String(value).replace(/\r\n?/g, '\n')
  switch (operator) {
    case 'eq':
      return actual === wanted
    case 'eq-normalized-newlines':
      return lines(actual) === lines(wanted)
    case 'in':
      return (wanted as unknown[]).includes(actual ?? null)
    case 'present':
      return actual !== undefined && actual !== null
    case 'absent':
      return actual === undefined || actual === null
    case 'empty':
      return actual === undefined || actual === ''
    case 'contains':
      return String(actual).includes(String(wanted))
    case 'matches':
      return new RegExp(String(wanted)).test(String(actual))
    case 'not-matches':
      return !new RegExp(String(wanted)).test(String(actual))
    case 'count':
      return actual === wanted || (Array.isArray(actual) && actual.length === wanted)
    case 'set-eq':
      return (
        JSON.stringify([...(actual as string[])].sort()) === JSON.stringify([...(wanted as string[])].sort())
      )
    default:
      throw new Error(`no such operator: ${operator}`)
  }
}
