import { answerOf } from '../federation/refusals.ts'
import { responseToStanzaError } from '../interworking/errors.ts'
import { type ErrorType, parseStanzaError, type StanzaCondition, stanzaError } from '../xmpp/stanza-error.ts'
import type { Element } from '../xmpp/xml/element.ts'
import type { Ending, Failure } from './arrival.ts'

/** How a stanza ends on the wire: an error stanza, or nothing where it was delivered or must not be answered. */
export function xmppAnswer(
  ending: Ending,
  original: Element,
  jidOf: Parameters<typeof responseToStanzaError>[2],
): Element | undefined {
  switch (ending.kind) {
    case 'delivered':
    case 'nothing':
    case 'relayed':
      return undefined
    case 'refused': {
      const outside = answerOf(ending.reason)
      return stanzaError(original, outside.condition, {
        type: outside.type,
        text: `${outside.text} (${ending.id})`,
        legacyCode: true,
      })
    }
    case 'answered':
      return responseToStanzaError(ending.response, original, jidOf)
    case 'bounced': {
      const { condition, type, text } = parseStanzaError(ending.error)
      return stanzaError(original, condition, {
        type,
        legacyCode: true,
        ...(text === undefined ? {} : { text }),
      })
    }
    case 'untranslatable':
      return stanzaError(original, 'not-acceptable', { text: ending.reason, legacyCode: true })
    case 'failed': {
      const row = FAILURES[ending.failure]
      return stanzaError(original, row.condition, { type: row.type, text: row.text, legacyCode: true })
    }
    default:
      return ending satisfies never
  }
}

const FAILURES = {
  timeout: {
    condition: 'remote-server-timeout',
    type: 'wait',
    text: 'The other side did not answer in time',
  },
  transport: { condition: 'remote-server-timeout', type: 'wait', text: 'The other side cannot be reached' },
  'no-route': {
    condition: 'remote-server-not-found',
    type: 'cancel',
    text: 'There is no way to that domain',
  },
  'no-link': { condition: 'remote-server-not-found', type: 'cancel', text: 'There is no way to that domain' },
  'too-large': {
    condition: 'policy-violation',
    type: 'modify',
    text: 'The message is too long for this path',
  },
  store: { condition: 'resource-constraint', type: 'wait', text: 'That cannot be decided now, try later' },
  busy: { condition: 'resource-constraint', type: 'wait', text: 'Too much is waiting, try later' },
  loop: { condition: 'policy-violation', type: 'modify', text: 'The same text goes to and fro' },
  shutdown: {
    condition: 'resource-constraint',
    type: 'wait',
    text: 'The gateway is shutting down, try later',
  },
  internal: { condition: 'internal-server-error', type: 'cancel', text: 'An error of the gateway' },
} as const satisfies Record<Failure, { condition: StanzaCondition; type: ErrorType; text: string }>
