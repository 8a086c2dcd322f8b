import { describe, expect, test } from 'vitest'
import {
  CONDITION_OF,
  conditionOfStatus,
  refusalToStanzaError,
  responseToStanzaError,
  SIP_STATUS_OF,
  stanzaErrorToStatus,
} from '../../src/interworking/errors.ts'
import { type HeaderField, Headers } from '../../src/sip/headers.ts'
import type { SipResponse } from '../../src/sip/message.ts'
import { CONDITIONS, parseStanzaError, type StanzaCondition } from '../../src/xmpp/stanza-error.ts'
import { xml } from '../../src/xmpp/xml/element.ts'
import { tableRows } from '../support/vectors.ts'

const NS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
const errorStanza = (condition: string, address = '', text?: string) =>
  xml(
    'message',
    { type: 'error', id: 'i' },
    xml(
      'error',
      { type: 'cancel' },
      xml(condition, { xmlns: NS }, address),
      text === undefined ? undefined : xml('text', { xmlns: NS }, text),
    ),
  )
const response = (status: number, reason = 'r', ...fields: readonly HeaderField[]): SipResponse => ({
  kind: 'response',
  status,
  reason,
  headers: new Headers(fields),
  body: new Uint8Array(),
})
const original = xml('message', { from: 'a@x.example/r', to: 'b@s.example', id: 'i7' }, xml('body', {}, 'x'))

interface ToSipRow {
  readonly condition: StanzaCondition
  readonly expected: readonly number[]
  readonly context?: string
}

/** Where a rule of SIP overrides table 2; each is in the row's own note or in digest §3.1. */
const OVERRIDDEN: { readonly [condition: string]: number } = {
  'registration-required': 403,
  'not-authorized': 403,
  'remote-server-not-found': 504,
  'remote-server-timeout': 504,
}

describe('RFC 7247 table 2', () => {
  const rows = tableRows<ToSipRow>('error-xmpp-to-sip')
  test.for(rows.map((row) => [row.condition, row.context ?? 'any', row] as const))(
    '%s (%s)',
    ([condition, context, row]) => {
      const answer = stanzaErrorToStatus(
        errorStanza(condition, context.startsWith('with a new') ? 'xmpp:new@x.example' : ''),
        context.includes('bare') ? 'bare' : 'full',
        'MESSAGE',
        { unresolved: context.includes('cannot be resolved') },
      )
      const override = OVERRIDDEN[condition]
      expect(override === undefined ? row.expected : [override]).toContain(answer.status)
    },
  )
  test('no-408-to-non-invite, and service-unavailable-never-becomes-503', () => {
    for (const condition of Object.keys(CONDITIONS))
      for (const concerned of ['full', 'bare'] as const)
        for (const unresolved of [true, false]) {
          const answer = stanzaErrorToStatus(errorStanza(condition), concerned, 'MESSAGE', { unresolved })
          expect([401, 407, 408, 491, 503]).not.toContain(answer.status)
          expect(answer.reason).not.toBe('')
        }
    expect(stanzaErrorToStatus(errorStanza('remote-server-timeout'), 'full', 'INVITE').status).toBe(408)
  })
  test('xmpp-error-to-sip-full-versus-bare', () => {
    const pairs = Object.entries(SIP_STATUS_OF).filter(([, row]) => row.full !== row.bare)
    expect(pairs.map(([name, row]) => [name, row.full, row.bare])).toEqual([
      ['feature-not-implemented', 405, 501],
      ['forbidden', 403, 603],
      ['item-not-found', 404, 604],
      ['not-acceptable', 406, 606],
      ['recipient-unavailable', 480, 600],
    ])
  })
  test('gone-with-address-is-301-without-is-410', () => {
    const moved = stanzaErrorToStatus(errorStanza('gone', 'xmpp:new@x.example'), 'full', 'MESSAGE')
    expect(moved).toMatchObject({ status: 301, headers: [['Contact', '<xmpp:new@x.example>']] })
    expect(stanzaErrorToStatus(errorStanza('gone'), 'full', 'MESSAGE').status).toBe(410)
  })
  test.for(['sip:a@b>\r\nX: y', 'xmpp:a b>@x', '\ud800', '%'])(
    'a hostile address stays in its brackets: %j',
    (address) => {
      const { headers } = stanzaErrorToStatus(errorStanza('gone', address), 'full', 'MESSAGE')
      for (const [, value] of headers) expect(value).toMatch(/^<[^<>\s]*>$/)
    },
  )
  test('405 carries Allow without the refused method', () => {
    const options = { allow: ['MESSAGE', 'OPTIONS'] }
    expect(
      stanzaErrorToStatus(errorStanza('feature-not-implemented'), 'full', 'MESSAGE', options),
    ).toMatchObject({
      status: 405,
      headers: [['Allow', 'OPTIONS']],
    })
  })
  test('the text becomes the reason, on one line', () => {
    expect(stanzaErrorToStatus(errorStanza('forbidden', '', 'no\r\nway\0'), 'full', 'MESSAGE').reason).toBe(
      'no way',
    )
  })
})

interface ToXmppRow {
  readonly status: number | string
  readonly expected: StanzaCondition
  readonly error_type: string
  readonly examples?: readonly number[]
}

describe('RFC 7247 table 3', () => {
  const rows = tableRows<ToXmppRow>('error-sip-to-xmpp')
  const cases = rows.flatMap((row) =>
    (typeof row.status === 'number' ? [row.status] : (row.examples ?? [])).map(
      (status) => [status, row.expected, row.error_type] as const,
    ),
  )
  test.for(cases)('%i is %s (%s)', ([status, condition, type]) => {
    const stanza = responseToStanzaError(response(status), original)
    expect(stanza && parseStanzaError(stanza)).toMatchObject({ condition, type, text: 'r' })
  })
  test('unlisted-sip-code-uses-class-default', () => {
    expect([399, 499, 599, 699].map(conditionOfStatus)).toEqual([
      'redirect',
      'bad-request',
      'internal-server-error',
      'recipient-unavailable',
    ])
    expect([100, 199, 200, 202, 700, 99].map(conditionOfStatus)).toEqual(Array(6).fill(undefined))
    expect(Object.keys(CONDITION_OF)).toHaveLength(48)
  })
  test('error-stanza-keeps-id-and-is-never-answered', () => {
    const stanza = responseToStanzaError(response(404), original)
    expect(stanza?.attrs).toEqual({ type: 'error', from: 'b@s.example', to: 'a@x.example/r', id: 'i7' })
    expect(stanza?.getChild('error')?.attrs.code).toBe('404')
    expect(stanza && responseToStanzaError(response(404), stanza)).toBeUndefined()
    expect(stanza && refusalToStanzaError('forbidden', 'x', stanza)).toBeUndefined()
  })
  test('no error for 1xx and 2xx', () => {
    expect(responseToStanzaError(response(100), original)).toBeUndefined()
    expect(responseToStanzaError(response(202), original)).toBeUndefined()
  })
  test('a timeout counts as 408, a dead transport as 503', () => {
    const conditions = (['timeout', 'transport-failure'] as const).map((kind) => {
      const stanza = responseToStanzaError({ kind }, original)
      return stanza && parseStanzaError(stanza).condition
    })
    expect(conditions).toEqual([conditionOfStatus(408), conditionOfStatus(503)])
  })
  test.for([
    [301, 'gone', 'sip:new@s.example'],
    [302, 'redirect', 'sip:new@s.example'],
    [410, 'gone', undefined],
  ] as const)('%i gives %s with address %s', ([status, condition, address]) => {
    const stanza = responseToStanzaError(response(status, 'r', ['Contact', '<sip:new@s.example>']), original)
    expect(stanza && parseStanzaError(stanza)).toMatchObject({ condition, address })
  })
})
