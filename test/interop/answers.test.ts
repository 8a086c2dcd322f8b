import { createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { JULIET, onBed, ROMEO, SECRET } from '../support/bed.ts'
import { gatewayConfig, startDragoman } from '../support/dragoman.ts'
import { type SipUserAgent, startSipUserAgent } from '../support/sip-user-agent.ts'
import { messageText } from '../support/topology.ts'
import { stanzaError, xml } from '../support/xmpp-client.ts'

const udp = (port: number) => ({ host: '127.0.0.1', port, transport: 'udp' }) as const

test('a user whom the XMPP server does not know: the error instead of any 2xx', () =>
  onBed({}, async ({ romeo, sipPort }) => {
    const answer = await romeo.message({ to: 'sip:nobody@xmpp.example', body: 'hi', nextHop: udp(sipPort) })
    expect(answer.status).toBe(403)
    expect(romeo.frames.all.map(({ text }) => text.slice(0, 11))).toEqual(['SIP/2.0 403'])
  }))

test.for([
  [480, undefined],
  [503, '7'],
] as const)('no live link: %i', ([status, retryAfter]) =>
  onBed({}, async ({ prosody, gateway, romeo, sipPort, enabled }) => {
    await gateway.reload({ ...enabled, interworking: { noLiveLink: status, retryAfter: '7s' } })
    await prosody.kill()
    await gateway.log.next(({ msg }) => /lost/.test(msg ?? ''))
    const answer = await romeo.message({ to: `sip:${JULIET}`, body: 'hi', nextHop: udp(sipPort) })
    expect([answer.status, answer.header('Retry-After')]).toEqual([status, retryAfter])
  }),
)

test('more than 1300 bytes over UDP: refused, or over TCP where the path is congestion-safe', async () => {
  await onBed({}, async ({ juliet, romeo }) => {
    await juliet.message({ to: ROMEO, body: 'x'.repeat(600) })
    expect((await romeo.messages.next()).transport).toBe('udp')
    const id = await juliet.message({ to: ROMEO, body: 'x'.repeat(1300) })
    const bounce = await juliet.nextMessage(({ attrs }) => attrs.id === id)
    expect(stanzaError(bounce)).toMatchObject({ condition: 'policy-violation' })
    expect(romeo.messages.all).toHaveLength(1)
  })
  await onBed({ congestionSafePath: true }, async ({ juliet, romeo }) => {
    await juliet.message({ to: ROMEO, body: 'short' })
    expect((await romeo.messages.next()).transport).toBe('udp')
    await juliet.message({ to: ROMEO, body: 'é'.repeat(100_000) })
    const received = await romeo.messages.next()
    expect(received.transport).toBe('tcp')
    expect(received.body).toBe('é'.repeat(100_000))
  })
})

test('subject, language, thread, delay and HTML, from SIP', () =>
  onBed({}, async ({ juliet, romeo, sipPort }) => {
    const headers = [
      'Subject: =?dinner',
      'Content-Language: cs',
      'Date: Sat, 13 Nov 2010 23:29:00 GMT',
      'Content-Type: text/html;charset=UTF-8',
    ]
    const body = '<html><body><p>Ahoj <b>světe</b><script>evil()</script></p></body></html>'
    await romeo.raw(messageText(`sip:${JULIET}`, headers, { body, callId: 'abc-123' }), udp(sipPort))
    const received = await juliet.nextMessage()
    expect(received.getChildText('subject')).toBe('=?dinner')
    expect(received.getChildText('thread')).toBe('abc-123')
    expect(received.attrs['xml:lang']).toBe('cs')
    expect(received.getChild('delay', 'urn:xmpp:delay')?.attrs.stamp).toBe('2010-11-13T23:29:00Z')
    expect(received.getChildText('body')?.trim()).toBe('Ahoj světe')
    const html = received.getChild('html', 'http://jabber.org/protocol/xhtml-im')
    expect(String(html)).toContain('světe')
    expect(String(html)).not.toContain('evil')

    // Her answer stays in the thread.
    await juliet.message({ to: ROMEO, body: 'and you', thread: 'abc-123' })
    expect((await romeo.messages.next()).callId).toBe('abc-123')
  }))

test('subject, language, thread and delay, from XMPP', () =>
  onBed({}, async ({ juliet, romeo }) => {
    const delay = xml('delay', { xmlns: 'urn:xmpp:delay', stamp: '2010-11-13T23:29:00Z' })
    const thread = 'e0ffe42b28561960c6b12b944a092794b9683a38'
    const content = { subject: 'večeře', lang: 'cs', thread }
    await juliet.message({ to: ROMEO, body: 'ahoj', ...content, children: [delay] })
    const received = await romeo.messages.next()
    expect(received.headers('subject')).toEqual(['večeře'])
    expect(received.headers('content-language')).toEqual(['cs'])
    expect(received.callId).toBe(thread)
    expect(received.headers('date')).toEqual(['Sat, 13 Nov 2010 23:29:00 GMT'])
    await juliet.message({ to: ROMEO, body: 'podruhé', thread })
    expect(await romeo.messages.next()).toMatchObject({ callId: thread, body: 'podruhé' })
  }))

test('a headline crosses; groupchat, an error and a message without a body do not', () =>
  onBed({}, async ({ juliet, romeo }) => {
    romeo.answer(404)
    const error = xml('error', { type: 'cancel' }, xml('gone', 'urn:ietf:params:xml:ns:xmpp-stanzas'))
    await juliet.message({ to: ROMEO, type: 'error', body: 'failed', id: 'never', children: [error] })
    const state = xml('composing', 'http://jabber.org/protocol/chatstates')
    await juliet.message({ to: ROMEO, id: 'typing', children: [state] })
    const group = await juliet.message({ to: ROMEO, type: 'groupchat', body: 'all', id: 'group' })
    const bounce = await juliet.nextMessage(({ attrs }) => attrs.id === group)
    expect(stanzaError(bounce)?.condition).toBe('service-unavailable')

    romeo.answer(200)
    await juliet.message({ to: ROMEO, type: 'headline', body: 'news' })
    expect((await romeo.messages.next()).body).toBe('news')
    expect(romeo.messages.all).toHaveLength(1)
    const ids = juliet.stanzas.all.filter((stanza) => stanza.is('message')).map(({ attrs }) => attrs.id)
    expect(ids).toEqual(['group'])
  }))

const MOVED = [
  ['302 Moved Temporarily', 'sip:romeo@sip.example', 'redirect', 'xmpp:romeo@sip.example'],
  ['301 Moved Permanently', 'sip:paris@sip.example', 'gone', 'xmpp:paris@sip.example'],
  ['301 Moved Permanently', undefined, 'gone', ''],
  ['302 Moved Temporarily', 'tel:+39045', 'redirect', 'tel:+39045'],
] as const

test('a redirection is told with the new address', () =>
  onBed({}, async ({ juliet, romeo, sipPort }) => {
    romeo.answer('silence')
    for (const [status, contact, condition, address] of MOVED) {
      const id = await juliet.message({ to: ROMEO, body: 'where?' })
      await answerRaw(romeo, sipPort, status, contact === undefined ? [] : [`Contact: <${contact}>`])
      const bounce = await juliet.nextMessage(({ attrs }) => attrs.id === id)
      const ns = 'urn:ietf:params:xml:ns:xmpp-stanzas'
      const told = bounce.getChild('error')?.getChildText(condition, ns) ?? ''
      expect([status, stanzaError(bounce)?.condition, told]).toEqual([status, condition, address])
    }
  }))

/** sip.js answers no 3xx: its bytes, for the request that came. */
async function answerRaw(romeo: SipUserAgent, port: number, status: string, extra: readonly string[]) {
  const { text } = await romeo.frames.next((frame) => frame.text.startsWith('MESSAGE '))
  const kept = text.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq):/i.test(line))
  const tagged = kept.map((line) => (/^To:/i.test(line) ? `${line};tag=raw` : line))
  const answer = [`SIP/2.0 ${status}`, ...tagged, ...extra, 'Content-Length: 0', '', ''].join('\r\n')
  await romeo.raw(answer, udp(port))
}

const ERROR =
  "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"

/** An XMPP server that takes every component and lets the test say when an error comes. */
async function withScriptedServer(
  interworking: object,
  scene: (server: {
    readonly romeo: SipUserAgent
    send(headers?: readonly string[]): Promise<number>
    /** The id of the next message it gets. */
    next(): Promise<string>
    fail(id: string): void
  }) => Promise<void>,
): Promise<void> {
  let socket: Socket | undefined
  let seen = ''
  const server = createServer((connection) => {
    socket = connection
    let shaken = false
    connection.on('error', () => connection.destroy())
    connection.on('data', (bytes) => {
      const text = String(bytes)
      seen += text
      if (text.includes('<stream:stream'))
        connection.write(
          "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='sip.example' id='1'>",
        )
      if (!shaken && text.includes('<handshake')) {
        shaken = true
        connection.write('<handshake/>')
      }
      for (const [, id, from, to] of text.matchAll(
        /<iq type="get" id="([^"]*)" from="([^"]*)" to="([^"]*)"/g,
      ))
        connection.write(`<iq type='result' id='${id}' from='${to}' to='${from}'/>`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    socket?.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  await using romeo = await startSipUserAgent({ uri: `sip:${ROMEO}` })
  const { config, sipPort } = await gatewayConfig({ componentPort: port, homePort: romeo.port })
  const env = { DRAGOMAN_PROSODY_SECRET: SECRET }
  await using gateway = await startDragoman({ config: { ...config, interworking }, env })
  await gateway.log.next(({ msg }) => msg === 'link is live')
  await scene({
    romeo,
    send: async (headers = []) =>
      (await romeo.message({ to: `sip:${JULIET}`, body: 'hello', headers, nextHop: udp(sipPort) })).status,
    async next() {
      for (let waited = 0; waited < 15_000; waited += 5) {
        const found = /<message [^>]*\bid="([^"]*)"/.exec(seen)
        if (found?.[1] !== undefined) {
          seen = seen.slice(found.index + found[0].length)
          return found[1]
        }
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      throw new Error('no message came')
    },
    fail: (id) =>
      socket?.write(`<message type='error' from='${JULIET}' to='${ROMEO}' id='${id}'>${ERROR}</message>`),
  })
}

test('waitForError: an error that comes in time is the answer', () =>
  withScriptedServer({ waitForError: '3s' }, async ({ send, next, fail }) => {
    const refused = send()
    const id = await next()
    await new Promise((resolve) => setTimeout(resolve, 50))
    fail(id)
    expect(await refused).toBe(403)
    const before = Date.now()
    expect(await send()).toBe(200)
    expect(Date.now() - before).toBeGreaterThanOrEqual(2900)
  }))

test('lateErrorNotice: one notice for a late error, and none for a notice', () =>
  withScriptedServer({ lateErrorNotice: true }, async ({ send, next, fail, romeo }) => {
    expect(await send()).toBe(200)
    const id = await next()
    fail(id)
    const notice = await romeo.messages.next()
    expect(notice).toMatchObject({ from: `sip:${JULIET}`, to: `sip:${ROMEO}` })
    expect(notice.body).toContain('not delivered')
    expect(notice.headers('failure-notice')).toEqual(['true'])
    fail(id)

    expect(await send(['Failure-Notice: true'])).toBe(200)
    fail(await next())
    await romeo.messages.none(() => true, 300)
    expect(romeo.messages.all).toHaveLength(1)
  }))

test('a late error is dropped unless notices are wanted', () =>
  withScriptedServer({}, async ({ send, next, fail, romeo }) => {
    expect(await send()).toBe(200)
    fail(await next())
    await romeo.messages.none(() => true, 300)
  }))
