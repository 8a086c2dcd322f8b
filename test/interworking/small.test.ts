import { describe, expect, test } from 'vitest'
import { isNotice, NOTICE_HEADER, noticeOf } from '../../src/interworking/notice.ts'
import { MESSAGE_LIMIT, sizeRefusal } from '../../src/interworking/size.ts'
import { lineText } from '../../src/interworking/text.ts'
import { callIdOfThread } from '../../src/interworking/thread.ts'
import { xml } from '../../src/xmpp/xml/element.ts'
import { message } from './support.ts'

test('message-over-1300-bytes-gives-policy-violation', () => {
  expect(sizeRefusal(MESSAGE_LIMIT, false)).toBeUndefined()
  expect(sizeRefusal(MESSAGE_LIMIT + 1, false)).toMatchObject({ condition: 'policy-violation' })
  expect(sizeRefusal(1_000_000, true)).toBeUndefined()
})

describe('thread and Call-ID', () => {
  test.for(['9E97FB43-85F4', 'a@b', 'a.b%c'])('%s fits', (thread) =>
    expect(callIdOfThread(thread)).toBe(thread),
  )
  test.for(['', 'a b', 'a@', '@b', 'a@b@c', 'a,b', 'ä', 'a\r\nb', 'x'.repeat(256)])('%j does not', (thread) =>
    expect(callIdOfThread(thread)).toBeUndefined(),
  )
})

test('a notice is marked, and known as one', () => {
  const { uri } = message()
  const error = xml('message', { type: 'error' }, xml('error', {}))
  const notice = noticeOf(error, { recipient: uri, sender: uri, callId: 'c', cseq: 1, fromTag: 't' })
  expect(notice.headers.get(NOTICE_HEADER)).toBe('true')
  expect(new TextDecoder().decode(notice.body)).toBe('Your message was not delivered: undefined-condition')
  expect([isNotice(notice), isNotice(message())]).toEqual([true, false])
})

test('one line is cut at a whole code point', () => {
  expect(lineText('ab\u{1f600}', 3)).toBe('ab')
  expect(lineText(' a\t\r\n b ', 10)).toBe('a b')
})
