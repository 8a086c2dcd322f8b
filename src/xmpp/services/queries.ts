import { isBare, localOf, parseJid } from '../jid.ts'
import { type StanzaCondition, stanzaError } from '../stanza-error.ts'
import { type Element, xml } from '../xml/element.ts'
import { deviceNode, deviceOf, type Software } from './device.ts'
import { DISCO_INFO, DISCO_ITEMS, type DiscoInfo, infoElement } from './disco.ts'

/** XEP-0106 §5. */
export const ESCAPING = 'jid\\20escaping'
export const PING = 'urn:xmpp:ping'
export const VERSION = 'jabber:iq:version'
export const GATEWAY = 'jabber:iq:gateway'

/** What a gateway says of itself. */
export interface Gateway {
  readonly software: Software
  /** XEP-0030 identity of the service: category `gateway`, this type. */
  readonly type: string
  /** XEP-0100 §6.3: how a user finds a contact's address; absent where addresses need no help. */
  readonly prompt?:
    | { readonly description: string; readonly label: string; jidOf(typed: string): string | undefined }
    | undefined
}

type Answer = { readonly result: Element | undefined } | { readonly condition: StanzaCondition }

/**
 * The answer to an IQ for the gateway (`user` absent in the address) or for one of its users: exactly one for every get
 * and set, none for a result or an error (RFC 6120 §8.2.3). What is not offered gets `service-unavailable`.
 */
export function answerQuery(iq: Element, gateway: Gateway): Element | undefined {
  const { type } = iq.attrs
  if (type === 'result' || type === 'error') return undefined
  if (type !== 'get' && type !== 'set')
    return stanzaError(iq, 'bad-request', { text: 'type must be get or set' })
  if (iq.attrs.id === undefined) return stanzaError(iq, 'bad-request', { text: 'an id is missing' })
  const children = iq.getChildElements()
  const query = children[0]
  if (query === undefined || children.length > 1)
    return stanzaError(iq, 'bad-request', { text: 'exactly one child, please' })
  const to = parseJid(String(iq.attrs.to ?? ''))
  const answer =
    to.ok && localOf(to.value) !== undefined
      ? userAnswer(type, query, isBare(to.value), gateway.software)
      : gatewayAnswer(type, query, gateway)
  return 'condition' in answer ? stanzaError(iq, answer.condition) : resultOf(iq, answer.result)
}

const NOT_OFFERED: Answer = { condition: 'service-unavailable' }
const NO_SUCH_NODE: Answer = { condition: 'item-not-found' }

function gatewayAnswer(type: 'get' | 'set', query: Element, gateway: Gateway): Answer {
  const namespace = query.getNS()
  if (namespace === GATEWAY && query.name === 'query' && gateway.prompt !== undefined)
    return promptAnswer(type, query, gateway.prompt)
  if (type === 'set') return NOT_OFFERED
  switch (`${namespace} ${query.name}`) {
    case `${DISCO_INFO} query`:
      return query.attrs.node === undefined ? { result: infoElement(gatewayInfo(gateway)) } : NO_SUCH_NODE
    case `${DISCO_ITEMS} query`:
      return itemsAnswer(query)
    case `${PING} ping`:
      return { result: undefined }
    case `${VERSION} query`:
      return {
        result: xml(
          'query',
          { xmlns: VERSION },
          xml('name', {}, gateway.software.name),
          xml('version', {}, gateway.software.version),
        ),
      }
    default:
      return NOT_OFFERED
  }
}

const gatewayInfo = ({ software, type, prompt }: Gateway): DiscoInfo => ({
  identities: [{ category: 'gateway', type, name: software.name }],
  features: [DISCO_INFO, DISCO_ITEMS, ESCAPING, PING, VERSION, ...(prompt === undefined ? [] : [GATEWAY])],
})

/** Of a SIP user only that much is true for every one of them: it has an account, and can be asked what it is. */
const ACCOUNT: DiscoInfo = {
  identities: [{ category: 'account', type: 'registered' }],
  features: [DISCO_INFO, DISCO_ITEMS],
}

function userAnswer(type: 'get' | 'set', query: Element, bare: boolean, software: Software): Answer {
  if (type === 'set' || query.name !== 'query') return NOT_OFFERED
  switch (query.getNS()) {
    case DISCO_INFO: {
      const node = query.attrs.node as string | undefined
      if (node === undefined) return { result: infoElement(bare ? ACCOUNT : deviceOf(software).info) }
      // At the bare address too: that is where presence comes from if a document names no device.
      return node === deviceNode(software)
        ? { result: infoElement(deviceOf(software).info, node) }
        : NO_SUCH_NODE
    }
    case DISCO_ITEMS:
      return itemsAnswer(query)
    default:
      return NOT_OFFERED
  }
}

/** There are none, and no nodes that could have some: that of XEP-0115 is none of these (§6.2). */
const itemsAnswer = (query: Element): Answer =>
  query.attrs.node === undefined ? { result: xml('query', { xmlns: DISCO_ITEMS }) } : NO_SUCH_NODE

function promptAnswer(type: 'get' | 'set', query: Element, prompt: NonNullable<Gateway['prompt']>): Answer {
  if (type === 'get')
    return {
      result: xml(
        'query',
        { xmlns: GATEWAY },
        xml('desc', {}, prompt.description),
        xml('prompt', {}, prompt.label),
      ),
    }
  const typed = query.getChildText('prompt')
  const jid = typed === null ? undefined : prompt.jidOf(typed)
  return jid === undefined
    ? { condition: 'item-not-found' }
    : { result: xml('query', { xmlns: GATEWAY }, xml('jid', {}, jid)) }
}

function resultOf(iq: Element, child: Element | undefined): Element {
  const { id, from, to } = iq.attrs
  return xml('iq', { type: 'result', id, from: to, to: from }, child)
}
