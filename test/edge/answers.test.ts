import { describe, expect, test } from 'vitest'
import { type Failure, failed, type Untold } from '../../src/edge/arrival.ts'
import { type SipAnswerChoices, sipAnswer } from '../../src/edge/sip-answers.ts'
import { xmppAnswer } from '../../src/edge/xmpp-answers.ts'
import { REFUSALS, type RefusalReason } from '../../src/federation/refusals.ts'
import { SIP_STATUS_OF } from '../../src/interworking/errors.ts'
import { CONTENT_REFUSALS } from '../../src/interworking/sip-refusal.ts'
import { CONDITIONS, parseStanzaError } from '../../src/xmpp/stanza-error.ts'
import { errorTo, sipMessage, sipResponse, stanza } from './support.ts'

const CHOICES: SipAnswerChoices = { noLiveLink: 480, retryAfter: 30 }
const RETRY = ['Retry-After', '30']
const sent = stanza({ from: 'romeo@sip.example', to: 'juliet@xmpp.example/balcony', id: 'x' })
const bounced = (condition: string): Untold => ({ kind: 'bounced', error: errorTo(sent, condition) })
const refused = (reason: RefusalReason): Untold => ({
  kind: 'refused',
  reason,
  id: 'LOG-7',
  step: REFUSALS[reason].step,
  detail: 'because "so"\r\nX: y',
})

/** Every failure there is: the compiler asks for a new one. */
const FAILURES: Readonly<
  Record<
    Failure,
    { readonly sip: number; readonly later: boolean; readonly xmpp: string; readonly type: string }
  >
> = {
  timeout: { sip: 480, later: false, xmpp: 'remote-server-timeout', type: 'wait' },
  transport: { sip: 480, later: false, xmpp: 'remote-server-timeout', type: 'wait' },
  'no-link': { sip: 480, later: false, xmpp: 'remote-server-not-found', type: 'cancel' },
  'too-large': { sip: 513, later: false, xmpp: 'policy-violation', type: 'modify' },
  'no-route': { sip: 480, later: false, xmpp: 'remote-server-not-found', type: 'cancel' },
  store: { sip: 503, later: true, xmpp: 'resource-constraint', type: 'wait' },
  busy: { sip: 503, later: true, xmpp: 'resource-constraint', type: 'wait' },
  loop: { sip: 482, later: false, xmpp: 'policy-violation', type: 'modify' },
  shutdown: { sip: 503, later: true, xmpp: 'resource-constraint', type: 'wait' },
  internal: { sip: 500, later: false, xmpp: 'internal-server-error', type: 'cancel' },
}
const failures = Object.entries(FAILURES) as [Failure, (typeof FAILURES)[Failure]][]

describe('to SIP', () => {
  const to = (ending: Untold, choices = CHOICES, request = sipMessage()) =>
    sipAnswer(ending, choices, request)

  test.for(['delivered', 'nothing'] as const)('%s is 200', (kind) => {
    expect(to({ kind })).toEqual({ status: 200, reason: 'OK', headers: [] })
  })

  test.for(failures)('%s', ([failure, expected]) => {
    const answer = to(failed(failure))
    expect(answer.status).toBe(expected.sip)
    expect(answer.headers).toEqual(expected.later ? [RETRY] : [])
  })

  test('a NOTIFY for whom there is no way any more ends its subscription', () => {
    const { status } = to(failed('no-route'), CHOICES, { ...sipMessage(), method: 'NOTIFY' })
    expect(status).toBe(481)
  })

  test('no live link: 503 with Retry-After where that is configured', () => {
    const answer = to(failed('no-link'), { noLiveLink: 503, retryAfter: 7 })
    expect(answer).toMatchObject({ status: 503, headers: [['Retry-After', '7']] })
  })

  test.for(Object.keys(REFUSALS) as RefusalReason[])(
    'refused: %s tells the id and not the reason',
    (reason) => {
      const answer = to(refused(reason))
      expect([403, 404, 503]).toContain(answer.status)
      expect(answer.reason).toContain('LOG-7')
      expect(answer.reason).not.toContain(reason)
      expect(answer.headers).toEqual(answer.status === 503 ? [RETRY] : [])
    },
  )

  test('what concerns the served user has one answer, whatever the reason', () => {
    const reasons: RefusalReason[] = ['user-unknown', 'user-disabled', 'contact-blocked', 'not-a-contact']
    expect(new Set(reasons.map((reason) => JSON.stringify(to(refused(reason))))).size).toBe(1)
  })

  test.for(Object.entries(SIP_STATUS_OF))('bounced: %s', ([condition, { bare, full }]) => {
    const answer = to(bounced(condition))
    expect(answer.status).toBe(bare)
    const device = to(bounced(condition), CHOICES, sipMessage({ uri: 'sip:juliet@xmpp.example;gr=balcony' }))
    expect(device.status).toBe(full)
    for (const { status, headers } of [answer, device]) {
      expect(status).toBeGreaterThanOrEqual(300)
      // RFC 4320 §4.2; and no 503, which would close the whole gateway for a proxy.
      expect([408, 503]).not.toContain(status)
      if (status === 405) expect(headers).toEqual([['Allow', 'OPTIONS']])
    }
  })

  test('every condition of RFC 6120 has a status, and what is none has one too', () => {
    expect(Object.keys(SIP_STATUS_OF).sort()).toEqual(Object.keys(CONDITIONS).sort())
    expect(to(bounced('no-such-condition')).status).toBe(400)
  })

  test('the text of the error is the reason phrase, in one line', () => {
    const error = errorTo(sent, 'item-not-found')
    error.getChild('error')?.c('text', { xmlns: 'urn:ietf:params:xml:ns:xmpp-stanzas' }).t('Gone\r\nVia: x')
    const { reason } = to({ kind: 'bounced', error })
    expect(reason).not.toMatch(/[\r\n]/)
    expect(reason).toContain('Gone')
  })

  test('untranslatable: status and headers as the translation says, such as 415 with Accept', () => {
    const refusal = CONTENT_REFUSALS.type
    if (refusal.kind !== 'refuse') throw new Error('not a refusal')
    const answer = to({ ...refusal, kind: 'untranslatable' })
    expect(answer.status).toBe(415)
    expect(answer.headers.map(([name]) => name)).toEqual(['Accept'])
    expect(answer.headers[0]?.[1]).toContain('text/plain')
  })

  test('answered by another SIP peer: its status', () => {
    expect(to({ kind: 'answered', response: sipResponse(486, 'Busy Here') })).toEqual({
      status: 486,
      reason: 'Busy Here',
      headers: [],
    })
  })
})

describe('to XMPP', () => {
  const to = (ending: Untold, original = stanza()) =>
    xmppAnswer(ending, original, () => ({ ok: false, error: 'no mapping' }))
  const read = (ending: Untold) => {
    const answer = to(ending)
    if (answer === undefined) throw new Error('no answer')
    return { answer, ...parseStanzaError(answer) }
  }

  test.for(['delivered', 'nothing'] as const)('%s is silence', (kind) => {
    expect(to({ kind })).toBeUndefined()
  })

  test.for(failures)('%s', ([failure, expected]) => {
    const { condition, type, text, answer } = read(failed(failure))
    expect({ condition, type }).toEqual({ condition: expected.xmpp, type: expected.type })
    expect(text).toMatch(/\w/)
    expect(answer.attrs).toMatchObject({
      type: 'error',
      from: 'romeo@sip.example',
      to: 'juliet@xmpp.example/balcony',
      id: 's1',
    })
    expect(answer.getChild('error')?.attrs.code).toBe(
      String(CONDITIONS[expected.xmpp as keyof typeof CONDITIONS].code),
    )
    expect(answer.getChild('body')).toBeUndefined()
  })

  test.for(Object.keys(REFUSALS) as RefusalReason[])(
    'refused: %s tells the id and not the reason',
    (reason) => {
      const { condition, text } = read(refused(reason))
      expect(['forbidden', 'remote-server-not-found', 'resource-constraint']).toContain(condition)
      expect(text).toContain('LOG-7')
      expect(text).not.toContain(reason)
    },
  )

  test.for([
    [301, 'gone'],
    [302, 'redirect'],
    [403, 'forbidden'],
    [404, 'item-not-found'],
    [405, 'feature-not-implemented'],
    [415, 'not-acceptable'],
    [480, 'recipient-unavailable'],
    [486, 'recipient-unavailable'],
    [500, 'internal-server-error'],
    [503, 'internal-server-error'],
    [513, 'policy-violation'],
    [600, 'recipient-unavailable'],
    [604, 'item-not-found'],
    [699, 'recipient-unavailable'],
  ] as const)('answered %i: %s', ([status, condition]) => {
    expect(read({ kind: 'answered', response: sipResponse(status, 'Why') })).toMatchObject({
      condition,
      text: 'Why',
    })
  })

  test.for(Object.keys(CONDITIONS))('bounced: %s passes as it is', (condition) => {
    expect(read(bounced(condition)).condition).toBe(condition)
  })

  test('untranslatable: not-acceptable, with the reason', () => {
    expect(read({ kind: 'untranslatable', status: 415, reason: 'No pictures', headers: [] })).toMatchObject({
      condition: 'not-acceptable',
      text: 'No pictures',
    })
  })

  test('an error is never answered', () => {
    for (const ending of [failed('busy'), refused('user-unknown'), bounced('gone')] as const)
      expect(to(ending, stanza({ type: 'error' }))).toBeUndefined()
  })
})
