import { createSocket } from 'node:dgram'
import { connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { okTo, sipPeer } from '../../bench/load/sip-peer.ts'
import { escapeXml, SEQUENCE, sequenceIn, Template, textOf } from '../../bench/load/template.ts'
import { XmppServer } from '../../bench/load/xmpp-server.ts'

test('a template is stamped everywhere, and the number is found again', () => {
  const template = new Template(`id='${SEQUENCE}' ${textOf(60)}`)
  expect(sequenceIn(template.stamp(1234567).toString(), 0)).toBe(1234567)
  const stamped = template.stamp(4294967301).toString()
  expect(stamped).toContain("id='4294967301'")
  expect(sequenceIn(stamped, 0)).toBe(4294967301)
  expect(sequenceIn('~~no number~~', 0)).toBe(-1)
})

test('texts have the length asked for and are safe in a stanza', () => {
  for (const length of [60, 600, 5000]) expect(textOf(length)).toHaveLength(length)
  expect(escapeXml(textOf(60))).toContain('Romeo&apos;s &amp; Juliet')
})

const REQUEST =
  'MESSAGE sip:romeo@sip.example SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\n' +
  'From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nContent-Type: text/plain\r\nCSeq: 1 MESSAGE\r\n' +
  'Content-Length: 5\r\n\r\nhello'

test('a 200 copies what RFC 3261 §8.2.6.2 wants', () => {
  expect(okTo(REQUEST, 0, REQUEST.length - 5)).toBe(
    'SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n' +
      'To: <sip:c@d>;tag=bench\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n',
  )
})

test('SIP over TCP is framed whatever the split', async () => {
  const bodies: string[] = []
  let done = (): void => {}
  const all = new Promise<void>((resolve) => {
    done = resolve
  })
  const peer = await sipPeer('tcp', 0, (text, _from, body, to) => {
    bodies.push(text.slice(body, to))
    if (bodies.length === 3) done()
  })
  const socket = connect({ port: peer.port, host: '127.0.0.1', noDelay: true })
  onTestFinished(() => {
    socket.destroy()
    peer.close()
  })
  for (const part of (REQUEST + REQUEST + REQUEST).match(/.{1,97}/gs) ?? []) {
    socket.write(part)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await all
  expect(bodies).toEqual(['hello', 'hello', 'hello'])
})

test('SIP over UDP answers where the request came from', async () => {
  const peer = await sipPeer('udp', 9, (text, from, body, _to, reply) =>
    reply(Buffer.from(okTo(text, from, body))),
  )
  const socket = createSocket('udp4')
  onTestFinished(() => {
    socket.close()
    peer.close()
  })
  const answer = new Promise<string>((resolve) => socket.once('message', (bytes) => resolve(String(bytes))))
  socket.send(REQUEST, peer.port, '127.0.0.1')
  expect(await answer).toMatch(/^SIP\/2\.0 200 OK\r\n/)
})

test('the XMPP server takes a component, routes its own domain back and counts messages at every split', async () => {
  const messages: string[] = []
  const server = new XmppServer('sip.example', {
    up() {},
    message: (text, from, to) => messages.push(text.slice(from, to)),
  })
  const socket: Socket = connect({ port: await server.listen(), host: '127.0.0.1', noDelay: true })
  onTestFinished(() => {
    socket.destroy()
    server.close()
  })
  let received = ''
  socket.on('data', (bytes) => {
    received += bytes.toString()
  })
  const until = async (text: string): Promise<void> => {
    while (!received.includes(text)) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  socket.write("<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' to='sip.example'>")
  await until('>')
  socket.write('<handshake>00</handshake>')
  await until('<handshake/>')
  const ping = `<iq type="get" id="p1" from="sip.example" to="sip.example"><ping xmlns="urn:xmpp:ping"/></iq>`
  const other = `<iq type='get' id='q' from='a@sip.example' to='xmpp.example'><query/></iq>`
  const message = `<message to='x'><body>~~0000000007~~ a &gt; b</body></message>`
  for (const part of (message + ping + message + other + message).match(/.{1,13}/gs) ?? []) {
    socket.write(part)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await until(`<iq type='result' id='q' from='xmpp.example' to='a@sip.example'/>`)
  expect(received).toContain(ping)
  expect(messages).toEqual([message, message, message])
})
