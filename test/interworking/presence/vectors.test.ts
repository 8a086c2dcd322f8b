import { describe, expect, test } from 'vitest'
import { presenceContent, readNotify } from '../../../src/interworking/presence/notify.ts'
import { PRESENCE_EVENT } from '../../../src/interworking/presence/package.ts'
import { stateToPidf } from '../../../src/interworking/presence/presence-to-pidf.ts'
import {
  presenceStanzas,
  type SentType,
  typedPresence,
} from '../../../src/interworking/presence/presence-write.ts'
import { leading, NO_RESOURCES } from '../../../src/interworking/presence/state.ts'
import { stanzaToSubscribe } from '../../../src/interworking/presence/subscribe.ts'
import { Headers } from '../../../src/sip/headers.ts'
import type { SipMessage } from '../../../src/sip/message.ts'
import { parseMessage } from '../../../src/sip/parse.ts'
import { type SubscriptionState, subscriptionStateText } from '../../../src/sip/subscription-state.ts'
import type { Element } from '../../../src/xmpp/xml/element.ts'
import {
  type Assertion,
  holds,
  interworkingCases,
  sipValue,
  stanzaOf,
  stanzaValue,
  type VectorCase,
} from '../../support/vectors.ts'
import { JULIET, LIMITS, NOW, sipUri, stateAfter, WATCHED } from './support.ts'

/** What comes out of a case of ours: the rest of it, dialogs and answers, belongs to those who keep them. */
interface Output {
  readonly sip?: SipMessage
  readonly xmpp?: readonly Element[]
}

const subscribing = {
  addressing: { kind: 'straight' },
  callId: 'c',
  cseq: 1,
  fromTag: 't',
  gr: 'yn0cl4bnw0yr3vym',
  expires: 3600,
  categories: false,
} as const

function subscribed(one: VectorCase): Output {
  const result = stanzaToSubscribe(stanzaOf(one.input[0]?.raw ?? ''), subscribing)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return { sip: result.value }
}

function notified(one: VectorCase): Output {
  const request = parseMessage(Buffer.from(one.input[0]?.raw ?? ''))
  if (!request.ok || request.value.kind !== 'request') throw new Error('not a request')
  const notice = readNotify(request.value, NO_RESOURCES, LIMITS)
  if (!notice.ok) throw new Error(notice.error.reason)
  const { subscription, presence } = notice.value
  expect(subscription).toEqual({ kind: 'active', expires: 499 })
  if (presence === undefined) throw new Error('no presence')
  return { xmpp: [typedPresence('subscribed', WATCHED), ...presenceStanzas(NO_RESOURCES, presence, WATCHED)] }
}

const typed = (type: SentType): Output => ({ xmpp: [typedPresence(type, WATCHED)] })

const notify = (
  subscription: SubscriptionState,
  content = presenceContent(undefined, undefined),
): Output => ({
  sip: {
    kind: 'request',
    method: 'NOTIFY',
    uri: sipUri('sip:romeo@example.net'),
    headers: new Headers([
      PRESENCE_EVENT,
      ['Subscription-State', subscriptionStateText(subscription)],
      ...content.fields,
    ]),
    body: content.body,
  },
})

function presence(one: VectorCase): Output {
  const state = stateAfter(one.input[0]?.raw ?? '')
  const document = stateToPidf(state, { uri: JULIET, timestamp: NOW })
  return notify({ kind: 'active', expires: 599 }, presenceContent(document, leading(state)?.lang))
}

const CASES: Readonly<Record<string, (one: VectorCase) => Output>> = {
  'rfc8048-ex01-subscribe-request': subscribed,
  'rfc8048-ex04-notify-active': notified,
  'rfc8048-ex09-unsubscribed-ack': () => typed('unsubscribed'),
  'rfc8048-ex11-sip-subscribe': () => ({
    ...notify({ kind: 'pending', expires: 3600 }),
    ...typed('subscribe'),
  }),
  'rfc8048-ex15-unsubscribed-reject': () =>
    notify({ kind: 'terminated', reason: 'rejected', retryAfter: undefined }),
  'rfc8048-ex18-presence-to-notify': presence,
  'rfc8048-ex22-probe-to-subscribe': subscribed,
}

/** Of a NOTIFY its dialog is not ours; responses are not either. */
const isDialog = ([path]: Assertion): boolean => /^(?:ruri|param\.|uri\.)/.test(path)

describe('RFC 8048 examples', () => {
  const cases = interworkingCases('rfc8048')
  test('are all there', () => expect(cases.map(({ id }) => id).sort()).toEqual(Object.keys(CASES).sort()))

  test.for(cases.map((one) => [one.id, one] as const))('%s', ([id, one]) => {
    const output = CASES[id]?.(one) ?? {}
    const stanzas = [...(output.xmpp ?? [])]
    let checked = 0
    for (const { protocol, raw, assert } of one.expected) {
      if (protocol === 'sip' && raw.startsWith('SIP/2.0')) continue
      const stanza = protocol === 'xmpp' ? stanzas.shift() : undefined
      const { sip } = output
      const assertions =
        sip?.kind === 'request' && sip.method === 'NOTIFY' ? assert?.filter((one) => !isDialog(one)) : assert
      for (const [path, operator, wanted] of assertions ?? []) {
        const actual = stanza === undefined ? sipValue(sip as SipMessage, path) : stanzaValue(stanza, path)
        const value = operator === 'count' && path.startsWith('h.') ? sip?.headers.all(path.slice(2)) : actual
        expect([path, actual, holds(value, operator, wanted)]).toEqual([path, actual, true])
        checked++
      }
    }
    expect(checked).toBeGreaterThan(0)
    expect(stanzas).toEqual([])
  })
})
