import { describe, expect, test } from 'vitest'
import { isAutomatic } from '../../src/edge/automatic.ts'
import { JULIET, sipMessage } from './support.ts'

describe('what no person sent', () => {
  test.for([
    ['a message', {}, false],
    ['one that says it is a person’s', { fields: [['Auto-Submitted', 'no']] }, false],
    ['one that says so with parameters', { fields: [['Auto-Submitted', 'NO ; x=y']] }, false],
    ['an auto-reply', { fields: [['Auto-Submitted', 'auto-replied']] }, true],
    ['something generated', { fields: [['Auto-Submitted', 'auto-generated; owner=x']] }, true],
    ['a notice of ours', { fields: [['Failure-Notice', 'true']] }, true],
    ['an empty message', { body: '' }, true],
    ['typing', { type: 'application/im-iscomposing+xml;charset=UTF-8' }, true],
    ['a delivery report', { type: 'message/imdn+xml' }, true],
    [
      'a delivery report in CPIM',
      {
        type: 'message/cpim',
        body: 'From: <im:a@b>\r\n\r\nContent-Type: message/imdn+xml\r\nContent-Disposition: notification\r\n\r\n',
      },
      true,
    ],
    [
      'a text in CPIM',
      { type: 'message/cpim', body: 'From: <im:a@b>\r\n\r\nContent-Type: text/plain\r\n\r\nhi' },
      false,
    ],
    ['a new subscription', { method: 'SUBSCRIBE', body: '', fields: [['Expires', '3600']] }, false],
    ['the end of one', { method: 'SUBSCRIBE', body: '', fields: [['Expires', '0']] }, true],
    ['a notification', { method: 'NOTIFY' }, true],
  ] as const)('%s', ([, parts, expected]) => expect(isAutomatic(sipMessage(parts))).toBe(expected))

  test('a refresh of a subscription', () => {
    const fresh = sipMessage({ method: 'SUBSCRIBE', body: '' })
    const again = { ...fresh, headers: fresh.headers.without('To').with(['To', `<sip:${JULIET}>;tag=t`]) }
    expect(isAutomatic(again)).toBe(true)
  })
})
