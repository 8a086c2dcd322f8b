import { expect, test } from 'vitest'
import { onBed, ROMEO } from '../support/bed.ts'
import { pause } from '../support/patient-clock.ts'
import { xml } from '../support/xmpp-client.ts'

test('SIGTERM under load over TCP: what was delivered has its 2xx, what was sent before it an answer', () =>
  onBed({ transport: 'tcp', congestionSafePath: true }, async ({ juliet, romeo, send, gateway, prosody }) => {
    const statuses = new Map<string, Promise<number>>()
    let loading = true
    const load = (async () => {
      for (let count = 0; loading && count < 20_000; count += 1) {
        const body = `sip ${count}`
        statuses.set(
          body,
          send(body).then(({ status }) => status),
        )
        await juliet.message({ to: ROMEO, body: `xmpp ${count}`, id: `x${count}` })
        if (count % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      }
    })()
    const flowing = () => Math.min(romeo.messages.all.length, juliet.stanzas.all.length)
    await expect.poll(flowing, { timeout: 30_000 }).toBeGreaterThan(200)
    const before = statuses.size
    // Its answer says that the gateway has read what Juliet wrote before.
    await juliet.iq(xml('iq', { type: 'get', to: 'sip.example' }, xml('ping', 'urn:xmpp:ping')))
    const ended = gateway.stop(30_000)
    await new Promise((resolve) => setTimeout(resolve, 20))
    loading = false
    await load
    expect(await ended).toEqual({ code: 0, signal: null })
    await prosody.line(/component disconnected/i, { what: 'the stream was not closed' })
    // What the gateway had written is in our sockets, and what Prosody had taken comes before the answer.
    await pause(500)
    await juliet.iq(xml('iq', { type: 'get', to: 'xmpp.example' }, xml('ping', 'urn:xmpp:ping')))

    // From SIP: what has no answer by now was never taken, for the connection had gone.
    const settled = new Map<string, number>()
    for (const [body, status] of statuses) void status.then((value) => settled.set(body, value))
    await pause(50)
    const messages = juliet.stanzas.all.filter((stanza) => stanza.is('message'))
    const delivered = messages
      .filter(({ attrs }) => attrs.type !== 'error')
      .map((stanza) => String(stanza.getChildText('body')))
    const accepted = [...settled].filter(([, status]) => status < 300).map(([body]) => body)
    expect(accepted.length).toBeGreaterThan(100)
    expect(delivered).toEqual(accepted)
    expect(new Set(delivered).size).toBe(delivered.length)

    // From XMPP: at the home server, or back as an error; never both, and never neither for what was sent before the
    // signal (what the server writes while the stream is being closed, XEP-0114 cannot answer).
    const arrived = romeo.messages.all.map(({ body }) => body.replace('xmpp ', 'x'))
    const bounced = messages
      .filter(({ attrs }) => attrs.type === 'error')
      .map(({ attrs }) => String(attrs.id))
    expect(arrived.length).toBeGreaterThan(100)
    const ids = [...arrived, ...bounced]
    expect(new Set(ids).size).toBe(ids.length)
    const unanswered = Array.from({ length: before }, (_, index) => `x${index}`).filter(
      (id) => !ids.includes(id),
    )
    expect(unanswered).toEqual([])
  }))
