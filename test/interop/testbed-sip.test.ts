import { describe, expect, test } from 'vitest'
import { startSipUserAgent } from '../support/sip-user-agent.ts'
import { runSipp, startSipp } from '../support/sipp.ts'
import { startSoftphone } from '../support/softphone.ts'

const romeo = 'sip:romeo@sip.example'
const juliet = 'sip:juliet@xmpp.example'

describe.each(['udp', 'tcp'] as const)('over %s', (transport) => {
  test('two sip.js user agents exchange messages', async () => {
    await using far = await startSipUserAgent({ uri: juliet })
    await using near = await startSipUserAgent({ uri: romeo, nextHop: { port: far.port, transport } })

    const answer = await near.message({
      to: juliet,
      body: 'Lady, by yonder blessed moon ☾',
      headers: ['Subject: vow'],
    })
    expect(answer.status).toBe(200)
    const received = await far.messages.next()
    expect(received).toMatchObject({ transport, from: romeo, to: juliet, requestUri: juliet })
    expect(received.bodyBytes.toString()).toBe('Lady, by yonder blessed moon ☾')
    expect(received.headers('subject')).toEqual(['vow'])
    expect(far.errors).toEqual([])
    expect(near.errors).toEqual([])
  })

  test('the answer is what the other side was told to say', async () => {
    await using far = await startSipUserAgent({ uri: juliet, users: 'own' })
    await using near = await startSipUserAgent({ uri: romeo, nextHop: { port: far.port, transport } })
    far.answer(({ body }) => (body === 'late' ? { status: 503, headers: ['Retry-After: 7'] } : 486))
    expect((await near.message({ to: juliet, body: 'hello' })).status).toBe(486)
    const busy = await near.message({ to: juliet, body: 'late' })
    expect([busy.status, busy.header('Retry-After')]).toEqual([503, '7'])
    expect((await near.message({ to: 'sip:nurse@xmpp.example', body: 'x' })).status).toBe(404)
    expect((await near.options(juliet)).header('Allow')).toContain('MESSAGE')
  })

  test('a body of 200 KB crosses whole over TCP, one of 60 KB over UDP', async () => {
    await using far = await startSipUserAgent({ uri: juliet })
    await using near = await startSipUserAgent({ uri: romeo, nextHop: { port: far.port, transport } })
    const body = 'é'.repeat(transport === 'tcp' ? 100_000 : 30_000)
    expect((await near.message({ to: juliet, body })).status).toBe(200)
    expect((await far.messages.next()).body).toBe(body)
  })

  test('SIPp sends, a sip.js user agent answers', async () => {
    await using far = await startSipUserAgent({ uri: juliet })
    const keys = { from: 'romeo@sip.example', to: 'juliet@xmpp.example' }
    const common = { target: far.port, transport, keys }
    const sent = await runSipp({ ...common, scenario: 'message-uac', calls: 20, rate: 100 })
    expect(sent).toMatchObject({ exitCode: 0, successful: 20, failed: 0 })
    expect(far.messages.all).toHaveLength(20)

    const odd = await runSipp({ ...common, scenario: 'message-odd-bodies', calls: 1 })
    expect(odd.errors).toBe('')
    expect(odd.exitCode).toBe(0)
    const bodies = far.messages.all.slice(20).map(({ body }) => body)
    expect(bodies[0]).toContain(`<b>1 & 2</b> "quotes"`)
    expect(bodies[1]).toContain('😀 שלום 日本語 é')

    const options = await runSipp({ ...common, scenario: 'options-uac', calls: 1 })
    expect(options).toMatchObject({ exitCode: 0, errors: '' })
  })

  test('SIPp fails a call whose answer is another', async () => {
    await using far = await startSipUserAgent({ uri: juliet })
    far.answer(403)
    const keys = { from: 'romeo@sip.example', to: 'juliet@xmpp.example' }
    const refused = await runSipp({ target: far.port, transport, keys, scenario: 'message-uac', calls: 2 })
    expect(refused).toMatchObject({ exitCode: 1, successful: 0, failed: 2 })
    expect(refused.errors).toContain('403')
  })

  test('a sip.js user agent sends, SIPp answers', async () => {
    await using sipp = await startSipp({
      scenario: 'message-uas',
      calls: 3,
      transport,
      status: '202 Accepted',
    })
    await using near = await startSipUserAgent({ uri: romeo, nextHop: { port: sipp.port, transport } })
    for (const body of ['one', 'two', 'three']) {
      expect((await near.message({ to: juliet, body })).status).toBe(202)
    }
    expect(await sipp.finished).toMatchObject({ exitCode: 0, successful: 3, failed: 0 })
  })

  test('a softphone sends text, shows text and reports a refusal', async () => {
    await using far = await startSipUserAgent({ uri: juliet })
    await using phone = await startSoftphone({
      uri: romeo,
      contact: juliet,
      proxy: { port: far.port, transport },
    })
    await phone.type('But soft, what light ☼')
    expect(await far.messages.next()).toMatchObject({
      transport,
      from: romeo,
      body: 'But soft, what light ☼',
    })

    const back = { host: '127.0.0.1', port: phone.port, transport }
    const answer = await far.message({ to: romeo, body: 'Ay "me" ♥\nsecond line', nextHop: back })
    expect(answer.status).toBe(200)
    expect(await phone.shown.next()).toEqual({ from: juliet, text: 'Ay "me" ♥\nsecond line' })

    far.answer(403)
    await phone.type('again')
    expect(await phone.failure()).toMatch(/^403 /)
  })
})
