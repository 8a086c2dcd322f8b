import { describe, expect, test } from 'vitest'
import type { Result } from '../../src/kernel/result.ts'
import {
  type Dialog,
  dialogOfNotify,
  dialogOfRequest,
  dialogOfResponse,
  isWithin,
  received,
  refreshed,
  requestWithin,
} from '../../src/sip/dialog.ts'
import { uriText } from '../../src/sip/uri-write.ts'
import { request, response } from './proxy/bed.ts'

const dialog: Dialog = {
  callId: 'c',
  localTag: 'ours',
  remoteTag: 'theirs',
  localUri: 'sip:juliet@xmpp.example',
  remoteUri: 'sip:romeo@sip.example',
  localCSeq: 7,
  remoteCSeq: 3,
  routes: [],
  target: 'sip:romeo@192.0.2.1:5070',
  secure: false,
}

const value = <T>(result: Result<T, string>): T => {
  if (!result.ok) throw new Error(result.error)
  return result.value
}

const subscribe = (...lines: readonly string[]) =>
  request({ method: 'SUBSCRIBE', cseq: 5, lines: ['Contact: <sip:paris@192.0.2.9>', ...lines] })

describe('RFC 3261 §12.1: how a dialog begins', () => {
  test('dialogs of one way share their route set, however many other ways there were between', () => {
    const by = (proxy: string) =>
      value(dialogOfRequest(subscribe(`Record-Route: <sip:${proxy};lr>`), 'ours')).routes
    const first = by('p1.example')
    expect(by('p1.example')).toBe(first)
    for (let i = 0; i < 1000; i++) by(`other${i}.example`)
    expect(by('p1.example')).toEqual(['<sip:p1.example;lr>'])
  })

  test('as server: routes in their order, the Contact as target, From as remote', () => {
    const routes = [
      'Record-Route: <sip:p1.example;lr>, <sip:p2.example>',
      'Record-Route: <sip:p3.example;lr>',
    ]
    expect(value(dialogOfRequest(subscribe(...routes), 'ours'))).toEqual({
      callId: 'c',
      localTag: 'ours',
      remoteTag: 'f',
      localUri: 'sip:romeo@sip.example',
      remoteUri: 'sip:paris@partner.example',
      localCSeq: 0,
      remoteCSeq: 5,
      routes: ['<sip:p1.example;lr>', '<sip:p2.example>', '<sip:p3.example;lr>'],
      target: 'sip:paris@192.0.2.9',
      secure: false,
    })
  })

  test('as client: routes in reverse, To as remote, no remote number yet', () => {
    const lines = ['Record-Route: <sip:p1.example;lr>,<sip:p2.example;lr>', 'Contact: <sip:romeo@192.0.2.1>']
    expect(value(dialogOfResponse(subscribe(), response(200, lines)))).toEqual({
      callId: 'c',
      localTag: 'f',
      remoteTag: 't',
      localUri: 'sip:paris@partner.example',
      remoteUri: 'sip:romeo@sip.example',
      localCSeq: 5,
      routes: ['<sip:p2.example;lr>', '<sip:p1.example;lr>'],
      target: 'sip:romeo@192.0.2.1',
      secure: false,
    })
  })

  test('RFC 6665 §4.4.1: the subscriber takes route set and target from the NOTIFY', () => {
    const seed: Dialog = {
      callId: 'c',
      localTag: 'ours',
      remoteTag: '',
      localUri: 'sip:juliet@xmpp.example',
      remoteUri: 'sip:romeo@sip.example',
      localCSeq: 1,
      routes: ['<sip:proxy.example;lr>'],
      target: 'sip:romeo@sip.example',
      secure: false,
    }
    const notify = request({
      method: 'NOTIFY',
      cseq: 9,
      from: '<sip:romeo@sip.example>;tag=theirs',
      to: '<sip:juliet@xmpp.example>;tag=ours',
      lines: ['Record-Route: <sip:p1.example;lr>,<sip:p2.example;lr>', 'Contact: <sip:romeo@192.0.2.1>'],
    })
    expect(isWithin(seed, notify)).toBe(true)
    expect(value(dialogOfNotify(seed, notify))).toEqual({
      ...seed,
      remoteTag: 'theirs',
      remoteCSeq: 9,
      routes: ['<sip:p1.example;lr>', '<sip:p2.example;lr>'],
      target: 'sip:romeo@192.0.2.1',
    })
  })

  test('a tag that is missing is the null tag of RFC 2543, but makes no subscription', () => {
    const untagged = request({
      method: 'NOTIFY',
      from: '<sip:a@b.example>',
      lines: ['Contact: <sip:a@b.example>'],
    })
    expect(value(dialogOfRequest(untagged, 'ours')).remoteTag).toBe('')
    expect(dialogOfNotify(dialog, untagged)).toEqual({ ok: false, error: 'no-tag' })
  })

  test.for([
    ['no Contact', [], 'bad-contact'],
    ['two', ['Contact: <sip:a@b.example>, <sip:c@b.example>'], 'bad-contact'],
    ['two fields', ['Contact: <sip:a@b.example>', 'Contact: <sip:c@b.example>'], 'bad-contact'],
    ['a star', ['Contact: *'], 'bad-contact'],
    ['a web page', ['Contact: <https://b.example/>'], 'bad-contact'],
    ['a route that is no address', ['Contact: <sip:a@b.example>', 'Record-Route: <sip:p'], 'bad-route'],
    ['a route elsewhere', ['Contact: <sip:a@b.example>', 'Record-Route: <tel:+1>'], 'bad-route'],
    [
      'many routes',
      ['Contact: <sip:a@b.example>', `Record-Route: ${Array(21).fill('<sip:p.example;lr>').join()}`],
      'too-large',
    ],
    ['a long target', [`Contact: <sip:${'a'.repeat(4096)}@b.example>`], 'too-large'],
  ] as const)('refused: %s', ([, lines, error]) => {
    expect(dialogOfRequest(request({ method: 'SUBSCRIBE', lines }), 'ours')).toEqual({ ok: false, error })
  })

  test('it is secure where TLS carried a sips URI, and nowhere else', () => {
    const made = (uri: string, overTls: boolean): boolean => {
      const asked = request({ method: 'SUBSCRIBE', uri, lines: ['Contact: <sips:a@b.example>'] })
      return value(dialogOfRequest(asked, 'ours', overTls)).secure
    }
    expect([made('sips:r@s.example', true), made('sip:r@s.example', true)]).toEqual([true, false])
    expect(made('sips:r@s.example', false)).toBe(false)
  })
})

describe('RFC 3261 §12.2: requests within it', () => {
  const sent = (state: Dialog, method = 'NOTIFY') => {
    const built = requestWithin(state, method, [['Event', 'presence']])
    return { uri: uriText(built.uri), fields: built.headers.fields() }
  }

  test('without routes the target is the Request-URI', () => {
    expect(sent(dialog)).toEqual({
      uri: 'sip:romeo@192.0.2.1:5070',
      fields: [
        ['From', '<sip:juliet@xmpp.example>;tag=ours'],
        ['To', '<sip:romeo@sip.example>;tag=theirs'],
        ['Call-ID', 'c'],
        ['CSeq', '7 NOTIFY'],
        ['Max-Forwards', '70'],
        ['Event', 'presence'],
      ],
    })
  })

  test('a loose first route: all of them in Route', () => {
    const { uri, fields } = sent({ ...dialog, routes: ['<sip:p1.example;lr>', '<sip:p2.example>'] })
    expect(uri).toBe('sip:romeo@192.0.2.1:5070')
    expect(fields.filter(([name]) => name === 'Route').map(([, route]) => route)).toEqual([
      '<sip:p1.example;lr>',
      '<sip:p2.example>',
    ])
  })

  test('a strict first route: the example of §12.2.1.1', () => {
    const routes = ['<sip:proxy1?a=b>', '<sip:proxy2>', '<sip:proxy3;lr>', '<sip:proxy4>']
    const { uri, fields } = sent({ ...dialog, routes, target: 'sip:user@remoteua' })
    expect(uri).toBe('sip:proxy1')
    expect(fields.filter(([name]) => name === 'Route').map(([, route]) => route)).toEqual([
      '<sip:proxy2>',
      '<sip:proxy3;lr>',
      '<sip:proxy4>',
      '<sip:user@remoteua>',
    ])
  })

  test('a null tag is not written; method and headers of a Contact stay out of the Request-URI', () => {
    const { uri, fields } = sent({
      ...dialog,
      remoteTag: '',
      target: 'sip:a@b.example;method=INVITE;x=y?c=d',
    })
    expect(uri).toBe('sip:a@b.example;x=y')
    expect(fields).toContainEqual(['To', '<sip:romeo@sip.example>'])
  })

  test('a lower number is out of order, gaps are not', () => {
    const numbered = (cseq: number) => received(dialog, request({ method: 'NOTIFY', cseq }))?.remoteCSeq
    expect([numbered(2), numbered(3), numbered(4), numbered(4000)]).toEqual([undefined, 3, 4, 4000])
    const { remoteCSeq: _, ...fresh } = dialog
    expect(received(fresh, request({ method: 'NOTIFY', cseq: 1 }))?.remoteCSeq).toBe(1)
  })

  test('a target refresh changes the target and nothing else', () => {
    const moved = request({
      method: 'NOTIFY',
      lines: ['Contact: <sip:romeo@192.0.2.2>', 'Record-Route: <sip:new.example;lr>'],
    })
    expect(refreshed(dialog, moved)).toEqual({ ...dialog, target: 'sip:romeo@192.0.2.2' })
    expect(refreshed(dialog, request({ method: 'NOTIFY', lines: [] }))).toBe(dialog)
    expect(refreshed(dialog, response(200, ['Contact: <sip:romeo@192.0.2.3>'])).target).toBe(
      'sip:romeo@192.0.2.3',
    )
  })

  test('a request belongs to it by Call-ID and both tags', () => {
    const from = '<sip:romeo@sip.example>;tag=theirs'
    const to = '<sip:juliet@xmpp.example>;tag=ours'
    const belongs = (parts: object) => isWithin(dialog, request({ method: 'NOTIFY', from, to, ...parts }))
    expect(belongs({})).toBe(true)
    expect(belongs({ callId: 'd' })).toBe(false)
    expect(belongs({ from: '<sip:romeo@sip.example>;tag=other' })).toBe(false)
    expect(belongs({ to: '<sip:juliet@xmpp.example>;tag=other' })).toBe(false)
  })

  test('JSON keeps it whole', () => {
    expect(JSON.parse(JSON.stringify(dialog))).toEqual(dialog)
  })
})
