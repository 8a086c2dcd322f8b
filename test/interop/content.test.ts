import { expect, test } from 'vitest'
import { JULIET, onBed, ROMEO } from '../support/bed.ts'
import { stanzaError, xml } from '../support/xmpp-client.ts'

const BODIES = {
  emoji: '😀👩‍👩‍👧‍👦🇩🇪',
  'right to left': 'שלום עולם \u202eمرحبا\u202c',
  'markup and entities': `<b>&amp; &lt; ]]> <![CDATA[x]]> "quotes" 'apostrophes' &#0;`,
  lines: 'first\nsecond\n\n\tfourth  ',
  'per cent': '100% %00 %0d%0a %s $HOME',
  combining: 'e\u0301 \u00e9 \u{1F1E6}',
  'header-like': 'Via: SIP/2.0/UDP evil\n\nMESSAGE sip:x SIP/2.0',
} as const

test.for(Object.entries(BODIES))('%s crosses unchanged both ways', ([, body]) =>
  onBed({}, async ({ juliet, romeo, send }) => {
    await juliet.message({ to: ROMEO, body })
    // RFC 2046 §4.1.1: on the SIP side, a line of text/plain ends with CR LF.
    expect((await romeo.messages.next()).bodyBytes.toString()).toBe(body.replaceAll('\n', '\r\n'))
    expect((await send(body)).status).toBe(200)
    expect((await juliet.nextMessage()).getChildText('body')).toBe(body)
  }),
)

test.for([65_536, 204_800])('a body of %i bytes crosses whole on a congestion-safe path', (size) =>
  onBed({ transport: 'tcp', congestionSafePath: true }, async ({ juliet, romeo, send }) => {
    const body = 'é'.repeat(size / 2)
    await juliet.message({ to: ROMEO, body })
    expect((await romeo.messages.next()).body).toBe(body)
    expect((await send(body)).status).toBe(200)
    expect((await juliet.nextMessage()).getChildText('body')).toBe(body)
  }),
)

test('a long body is refused where the path is not congestion-safe (RFC 3428 §8)', () =>
  onBed({}, async ({ juliet, romeo }) => {
    const id = await juliet.message({ to: ROMEO, body: 'x'.repeat(4000) })
    const bounce = await juliet.nextMessage((message) => message.attrs.id === id)
    expect(stanzaError(bounce)?.condition).toBe('policy-violation')
    expect(romeo.messages.all).toEqual([])
  }))

test('line ends in subject, id and thread make no header lines', () =>
  onBed({}, async ({ juliet, romeo }) => {
    await juliet.send(
      xml(
        'message',
        { to: ROMEO, type: 'chat', id: 'a\r\nX-Evil: 1' },
        xml('subject', {}, 'dinner\r\nX-Evil: 2'),
        xml('body', {}, 'plain'),
        xml('thread', {}, 'b\r\nX-Evil: 3'),
      ),
    )
    const received = await romeo.messages.next()
    expect(received.body).toBe('plain')
    expect(received.headers('x-evil')).toEqual([])
    expect(romeo.errors).toEqual([])
  }))

test.for([
  ['Latin-1', 'text/plain;charset=ISO-8859-1', Buffer.from('caf\u00e9', 'latin1'), 'café'],
  ['UTF-8 without charset', 'text/plain', Buffer.from('café'), 'café'],
] as const)('a SIP body in %s is read as what it is', ([, type, bytes, text]) =>
  onBed({}, async ({ juliet, romeo, sipPort }) => {
    await romeo.raw(rawMessage(romeo.port, type, bytes), {
      host: '127.0.0.1',
      port: sipPort,
      transport: 'udp',
    })
    expect((await romeo.frames.next()).text).toMatch(/^SIP\/2\.0 200 /)
    expect((await juliet.nextMessage()).getChildText('body')).toBe(text)
  }),
)

test('broken UTF-8 in a SIP body never breaks the stream', () =>
  onBed({}, async ({ juliet, romeo, sipPort, send, prosody }) => {
    const hop = { host: '127.0.0.1', port: sipPort, transport: 'udp' } as const
    const broken = Buffer.from([0x61, 0xff, 0xc3, 0x28, 0x00, 0x0b, 0x62])
    await romeo.raw(rawMessage(romeo.port, 'text/plain;charset=UTF-8', broken), hop)
    expect((await romeo.frames.next()).text).toMatch(/^SIP\/2\.0 [2456]\d\d /)
    expect((await send('still here')).status).toBe(200)
    await juliet.nextMessage((message) => message.getChildText('body') === 'still here')
    expect(prosody.log()).not.toMatch(/component disconnected/)
  }))

function rawMessage(port: number, type: string, body: Buffer): Buffer {
  const head = [
    `MESSAGE sip:${JULIET} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${Math.random().toString(36).slice(2)};rport`,
    'Max-Forwards: 70',
    `From: <sip:${ROMEO}>;tag=raw`,
    `To: <sip:${JULIET}>`,
    `Call-ID: ${Math.random().toString(36).slice(2)}@raw`,
    'CSeq: 1 MESSAGE',
    `Content-Type: ${type}`,
    `Content-Length: ${body.length}`,
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body])
}

test('a text that would be too long a stanza for the XMPP server is refused, and the link stays', () =>
  onBed({ transport: 'tcp', congestionSafePath: true }, async ({ juliet, send, prosody }) => {
    expect((await send('&'.repeat(110_000))).status).toBe(513)
    expect((await send('x'.repeat(450_000))).status).toBe(513)
    expect((await send('still here')).status).toBe(200)
    await juliet.nextMessage((message) => message.getChildText('body') === 'still here')
    expect(prosody.log()).not.toMatch(/component disconnected/)
  }))
