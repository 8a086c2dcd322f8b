import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { startProsody } from '../support/prosody.ts'
import { stanzaError, startXmppClient, xml } from '../support/xmpp-client.ts'

const users = [
  { name: 'juliet', password: 'balcony' },
  { name: 'nurse', password: 'poppy "water"' },
]

test('two clients exchange messages through Prosody', async () => {
  await using prosody = await startProsody({ host: 'xmpp.example', users })
  const login = { port: prosody.c2sPort, domain: 'xmpp.example' }
  await using juliet = await startXmppClient({ ...login, username: 'juliet', password: 'balcony' })
  await using nurse = await startXmppClient({ ...login, username: 'nurse', password: 'poppy "water"' })

  const id = await juliet.message({
    to: nurse.bareJid,
    body: 'Anon, good nurse! <&> 😀',
    subject: 's',
    thread: 't',
  })
  const received = await nurse.nextMessage()
  expect(received.attrs).toMatchObject({ id, from: juliet.jid, type: 'chat' })
  expect(received.getChildText('body')).toBe('Anon, good nurse! <&> 😀')

  const pong = await nurse.iq(xml('iq', { type: 'get', to: 'xmpp.example' }, xml('ping', 'urn:xmpp:ping')))
  expect(pong.attrs.type).toBe('result')
})

test('what goes to an unknown domain comes back as an error', async () => {
  await using prosody = await startProsody({ host: 'xmpp.example', users })
  await using juliet = await startXmppClient({
    port: prosody.c2sPort,
    domain: 'xmpp.example',
    username: 'juliet',
    password: 'balcony',
  })
  await juliet.message({ to: 'romeo@elsewhere.example', body: 'art thou there?' })
  const bounce = await juliet.nextMessage()
  expect(stanzaError(bounce)?.condition).toMatch(
    /^(service-unavailable|remote-server-not-found|not-allowed)$/,
  )
})

test('a wrong password is refused', async () => {
  await using prosody = await startProsody({ host: 'xmpp.example', users })
  const login = startXmppClient({
    port: prosody.c2sPort,
    domain: 'xmpp.example',
    username: 'juliet',
    password: 'wrong',
  })
  await expect(login).rejects.toThrow(/juliet@xmpp\.example could not log in.*not-authorized/)
})

test('a component says its handshake, again after Prosody was killed', async () => {
  await using prosody = await startProsody({
    host: 'xmpp.example',
    users,
    components: [{ domain: 'sip.example', secret: 's3cret' }],
  })
  expect(await handshake(prosody.componentPort, 'sip.example', 's3cret')).toMatch(/<handshake\s*\/>/)
  expect(await handshake(prosody.componentPort, 'sip.example', 'wrong')).toMatch(/not-authorized/)
  await prosody.kill()
  await expect(handshake(prosody.componentPort, 'sip.example', 's3cret')).rejects.toThrow(/ECONNREFUSED/)
  await prosody.start()
  expect(await handshake(prosody.componentPort, 'sip.example', 's3cret')).toMatch(/<handshake\s*\/>/)
})

test('a paused Prosody keeps its connections and answers later', async () => {
  await using prosody = await startProsody({ host: 'xmpp.example', users })
  const login = { port: prosody.c2sPort, domain: 'xmpp.example' }
  await using juliet = await startXmppClient({ ...login, username: 'juliet', password: 'balcony' })
  prosody.pause()
  await juliet.message({ to: juliet.jid, body: 'to myself' })
  await juliet.stanzas.none((stanza) => stanza.is('message'), 200)
  prosody.resume()
  expect((await juliet.nextMessage()).getChildText('body')).toBe('to myself')
})

test('messages for someone away are kept and delivered at the next login', async () => {
  await using prosody = await startProsody({ host: 'xmpp.example', users })
  const login = { port: prosody.c2sPort, domain: 'xmpp.example' }
  await using juliet = await startXmppClient({ ...login, username: 'juliet', password: 'balcony' })
  await juliet.message({ to: 'nurse@xmpp.example', body: 'where is she?' })
  await juliet.iq(xml('iq', { type: 'get', to: 'xmpp.example' }, xml('ping', 'urn:xmpp:ping')))
  await using nurse = await startXmppClient({ ...login, username: 'nurse', password: 'poppy "water"' })
  expect((await nurse.nextMessage()).getChildText('body')).toBe('where is she?')
})

/** XEP-0114 by hand. Resolves with everything the server said until it accepted or closed. */
function handshake(port: number, domain: string, secret: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    let heard = ''
    let answered = false
    socket.once('error', reject)
    socket.once('close', () => resolve(heard))
    socket.write(
      `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' ` +
        `xmlns:stream='http://etherx.jabber.org/streams' to='${domain}'>`,
    )
    socket.setEncoding('utf8').on('data', (text: string) => {
      heard += text
      const id = /<stream:stream[^>]*\bid=['"]([^'"]+)['"]/.exec(heard)?.[1]
      if (id !== undefined && !answered) {
        answered = true
        socket.write(
          `<handshake>${createHash('sha1')
            .update(id + secret)
            .digest('hex')}</handshake>`,
        )
      }
      if (/<handshake|<\/stream:stream>/.test(heard)) socket.end()
    })
  })
}
