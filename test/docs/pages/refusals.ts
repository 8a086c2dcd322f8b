import { type Failure, failed, type Untold } from '../../../src/edge/arrival.ts'
import { sipAnswer } from '../../../src/edge/sip-answers.ts'
import { xmppAnswer } from '../../../src/edge/xmpp-answers.ts'
import { answerOf, REFUSALS, type RefusalReason } from '../../../src/federation/refusals.ts'
import { STEP_NAMES } from '../../../src/federation/verdict.ts'
import { Headers } from '../../../src/sip/headers.ts'
import type { SipRequest } from '../../../src/sip/message.ts'
import { parseStanzaError } from '../../../src/xmpp/stanza-error.ts'
import { xml } from '../../../src/xmpp/xml/element.ts'

/** Why a permitted message was not delivered, for people. */
const FAILURES = {
  timeout: 'The SIP side gave no final answer within 64 times T1 (32 s).',
  transport:
    'The home server or SIP provider cannot be reached: no address, no connection, or a datagram that could not be sent.',
  'no-link': 'The link is down, or there is no way to that domain.',
  'too-large': 'Longer than 1300 bytes towards a home that is not marked `congestionSafePath`.',
  'no-route':
    'Nothing leads there: DNS knows no SIP server of the domain, no link carries it, or one side is XMPP and the other a SIP provider.',
  store: 'The store of users and contact lists failed, so that the rules could not be asked.',
  busy: 'A queue is full: that of the SIP target, what waits to be written to the XMPP server, or what came in from it.',
  loop: 'The same text has gone to and fro between the same two people too often.',
  shutdown: 'The gateway is stopping.',
  internal: 'A fault of the gateway. The log has it under an id, as `fault`.',
} as const satisfies Record<Failure, string>

const INTRO = `# Refusals

Every refusal has a reason, a stable code. The sender hears a general text with an id in brackets, as in
\`403 Not permitted (TATf80jc)\`; the log line \`refused\` with that id has the reason, the detail and what the peer had proved.
What depends on the served user has one answer, so that a stranger cannot find out who exists.

\`dragoman explain --from ADDRESS --to ADDRESS\` asks the rules the same question without sending anything, and prints every step.
It assumes that the sender proves what the rightful one would; what really was proved is in the log (\`evidence\`).

This page is made from the code: \`npx vitest run --project unit test/docs -u\` writes it anew.
`

const BEFORE = `## Before the rules

Some messages are answered before the rules are asked, because they are no request that could cross.

| from XMPP | answer |
|---|---|
| the recipient's address has no SIP form | \`item-not-found\` |
| the sender's address has no SIP form | \`jid-malformed\` |
| no user in the recipient's address | \`service-unavailable\`, "No user is named" |
| type \`groupchat\` | \`service-unavailable\`, "Not a room" |
| encrypted, without a readable text | \`not-acceptable\` |
| chat states, receipts, markers, nothing at all | none, and nothing is sent |
| an error stanza | none; it becomes the answer to the SIP request it belongs to |
| presence: \`subscribe\`, \`probe\` | \`feature-not-implemented\`; other presence is ignored |
| an IQ for a user, if the rules refuse the sender | \`service-unavailable\`, as for anything that a user does not offer |

| from SIP | answer |
|---|---|
| malformed | 400, 413 or 513 with the fault in the reason; without a Via to answer to, nothing |
| a method other than MESSAGE and OPTIONS, unless it goes [between SIP peers](specifications.md#rfc-3261-by-section) | 405; 481 where it needs a dialog (BYE, NOTIFY …); 501 for an unknown one |
| a Request-URI of another scheme than sip, sips, im, pres (a telephone number, say) | 416 |
| an extension is required | 420 |
| Max-Forwards is 0 | 483 |
| a body that is no text and no multipart with a text, or is compressed | 415 with Accept or Accept-Encoding |
| no address in From, or in the Request-URI (an IP address, say) | 403, or 404 |
| a request that we made comes back; the same request by two ways | 482 |

And some after them, when the message is translated:

| from SIP | answer |
|---|---|
| a \`sips:\` target | 480 with \`Warning: 380\` (RFC 5630 §5.4): XMPP cannot promise TLS all the way |
| a charset that is not known | 415 |
| a body that is not what its Content-Type says | 400 |
| an address that no JID can hold | 404, or 403 where it is the sender's |
`

/** \`docs/refusals.md\`, whole. */
export const pageOfRefusals = (): string => `${INTRO}
## The rules

The steps are asked in this order, and the first refusal ends it: ${STEP_NAMES.map((name) => `\`${name}\``).join(', ')}.

${table(
  ['reason', 'step', 'meaning', 'the sender hears', 'SIP', 'XMPP'],
  Object.entries(REFUSALS).map(([reason, { step, meaning }]) => {
    const answer = answerOf(reason as RefusalReason)
    const later = answer.retryable ? ' + Retry-After' : ''
    return [
      `\`${reason}\``,
      `\`${step}\``,
      meaning,
      answer.text,
      `${answer.sipStatus}${later}`,
      `\`${answer.condition}\``,
    ]
  }),
)}

${BEFORE}
## Permitted, but not delivered

${table(
  ['outcome', 'meaning', 'SIP', 'XMPP'],
  Object.entries(FAILURES).map(([failure, meaning]) => {
    const ending = failed(failure as Failure)
    return [`\`${failure}\``, meaning, sipText(ending), xmppText(ending)]
  }),
)}

What the far side itself answers is passed on: a SIP status as the stanza error of RFC 7247 table 3, a stanza error as the
status of table 2 (\`src/interworking/errors.ts\` names the departures). A \`503\` of the home server becomes
\`internal-server-error\`, and \`service-unavailable\` from XMPP becomes 403: so the standard has it.
`

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

const REQUEST: SipRequest = {
  kind: 'request',
  method: 'MESSAGE',
  uri: { scheme: 'other', text: 'x:' },
  headers: new Headers([]),
  body: new Uint8Array(),
}

function sipText(ending: Untold): string {
  const { status, reason, headers } = sipAnswer(ending, { noLiveLink: 480, retryAfter: 30 }, REQUEST)
  const also = headers.map(([name]) => ` + ${name}`).join('')
  return `${status} ${reason}${also}${isNoLink(ending) ? ', or 503 by `noLiveLink`' : ''}`
}

const isNoLink = (ending: Untold): boolean => ending.kind === 'failed' && ending.failure === 'no-link'

function xmppText(ending: Untold): string {
  const answer = xmppAnswer(ending, xml('message', { from: 'a@b', to: 'c@d' }), () => ({
    ok: false,
    error: 'none',
  }))
  if (answer === undefined) throw new Error('a failure without an answer')
  const { condition, text } = parseStanzaError(answer)
  return `\`${condition}\`: ${text}`
}
