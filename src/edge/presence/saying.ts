import { type SentType, typedPresence } from '../../interworking/presence/presence-write.ts'
import type { Random } from '../../kernel/random.ts'
import { parseStanzaError, type StanzaCondition } from '../../xmpp/stanza-error.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import type { Exposure } from './exposure.ts'
import type { People } from './people.ts'

/** What the identifiers of our `subscribe` begin with: an error that keeps it (RFC 6120 §8.1.3) is about nothing else. */
const SUBSCRIBE = 'subscribe-'

/** Conditions of an error that may be over by and by: they speak of servers, all others of the two people. */
const PASSING: ReadonlySet<StanzaCondition> = new Set([
  'internal-server-error',
  'recipient-unavailable',
  'remote-server-not-found',
  'remote-server-timeout',
  'resource-constraint',
  'unexpected-request',
])

/** Says something to an XMPP user for the SIP user that watches it. True where it went out. */
export type Say = (exposure: Exposure, type: SentType) => boolean

export const sayingTo =
  (people: People, random: Random): Say =>
  ({ pair, nick }, type) =>
    people.tell(pair, ({ contact }) => {
      const stanza = typedPresence(type, { from: contact, to: pair.xmpp }, nick)
      if (type === 'subscribe') stanza.attrs.id = `${SUBSCRIBE}${random.token(8)}`
      return [stanza]
    })

/** Whether an error that came back is one to a `subscribe` of ours, and may be over by and by. */
export function failureOf(stanza: Element): 'passing' | 'final' | undefined {
  if (!String(stanza.attrs.id ?? '').startsWith(SUBSCRIBE)) return undefined
  const { condition, type } = parseStanzaError(stanza)
  return type === 'wait' || PASSING.has(condition) ? 'passing' : 'final'
}
