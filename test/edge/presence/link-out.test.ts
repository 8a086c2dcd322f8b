import { expect, test } from 'vitest'
import type { SipRequest } from '../../../src/sip/message.ts'
import { parseMessage } from '../../../src/sip/parse.ts'
import { until } from '../../sip/endpoint/bed.ts'
import { type GatewayBed, gatewayBed, isLive, statusOf } from '../gateway-bed.ts'
import { pidf } from './out-rig.ts'

const request = async ({ home }: GatewayBed): Promise<SipRequest> => {
  const read = parseMessage(Buffer.from(await home.next(), 'latin1'))
  if (!read.ok || read.value.kind !== 'request') throw new Error('no request')
  return read.value
}

let cseq = 0

/** @returns the status that the NOTIFY got */
async function notify(bed: GatewayBed, { headers }: SipRequest, state: string, body = ''): Promise<number> {
  const contact = headers.get('Contact') ?? ''
  cseq++
  bed.home.send(
    [
      `NOTIFY ${contact.slice(1, contact.indexOf('>'))} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${bed.home.port};branch=z9hG4bKn${cseq};rport`,
      'Max-Forwards: 70',
      'From: <sip:romeo@sip.example>;tag=home',
      `To: ${headers.get('From')}`,
      `Call-ID: ${headers.get('Call-ID')}`,
      `CSeq: ${cseq} NOTIFY`,
      'Contact: <sip:romeo@192.0.2.7>',
      'Event: presence',
      `Subscription-State: ${state}`,
      ...(body === '' ? [] : ['Content-Type: application/pidf+xml']),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
    bed.port,
  )
  return statusOf(await bed.home.next())
}

const ok = (bed: GatewayBed, { headers }: SipRequest): void =>
  bed.home.send(
    [
      'SIP/2.0 200 OK',
      `Via: ${headers.get('Via')}`,
      `From: ${headers.get('From')}`,
      `To: ${headers.get('To')};tag=home`,
      `Call-ID: ${headers.get('Call-ID')}`,
      `CSeq: ${headers.get('CSeq')}`,
      'Contact: <sip:romeo@192.0.2.7>',
      'Expires: 3600',
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
    bed.port,
  )

const presence = ({ xmpp }: GatewayBed): readonly string[] =>
  xmpp.stanzas
    .filter(({ name }) => name === 'presence')
    .map(({ attrs: { from, type } }) => [String(from).split('/')[1], type].filter(Boolean).join(' '))

async function watched(): Promise<{ bed: GatewayBed; subscribe: SipRequest }> {
  const bed = await gatewayBed()
  bed.xmpp.send("<presence from='juliet@xmpp.example' to='romeo@sip.example' type='subscribe'/>")
  const subscribe = await request(bed)
  ok(bed, subscribe)
  expect(await notify(bed, subscribe, 'active;expires=3600', pidf({ orchard: 'open', crypt: 'open' }))).toBe(
    200,
  )
  await until(() => bed.xmpp.stanzas.length === 3)
  return { bed, subscribe }
}

async function withoutLink(bed: GatewayBed, what: () => Promise<void>): Promise<void> {
  bed.xmpp.cut()
  await until(() => !isLive(bed.gateway))
  await what()
  await until(() => isLive(bed.gateway))
}

test('NOTIFYs are taken without a link, and what they said is told when it is back', async () => {
  const { bed, subscribe } = await watched()
  await withoutLink(bed, async () => {
    expect(await notify(bed, subscribe, 'active;expires=3600', pidf({ orchard: 'open' }))).toBe(200)
  })
  await until(() => bed.xmpp.stanzas.length === 5)
  expect(presence(bed).slice(3)).toEqual(['orchard', 'crypt unavailable'])
})

test('an authorization that ended without a link is told when it is back', async () => {
  const { bed, subscribe } = await watched()
  await withoutLink(bed, async () => {
    expect(await notify(bed, subscribe, 'terminated;reason=rejected')).toBe(200)
  })
  await until(() => bed.xmpp.stanzas.length === 6)
  expect(presence(bed).slice(3)).toEqual(['orchard unavailable', 'crypt unavailable', 'unsubscribed'])
})

test('a subscribe to a full JID is one to the bare JID (RFC 6121 §3.1.3)', async () => {
  const bed = await gatewayBed()
  bed.xmpp.send(
    "<presence from='juliet@xmpp.example/balcony' to='romeo@sip.example/phone' type='subscribe'/>",
  )
  expect((await request(bed)).headers.get('To')).toBe('<sip:romeo@sip.example>')
})

test('nobody has a subscription to what the gateway is itself', async () => {
  const bed = await gatewayBed()
  bed.xmpp.send("<presence from='juliet@xmpp.example' to='sip.example' type='subscribe' id='s1'/>")
  await until(() => bed.xmpp.stanzas.length === 1)
  expect(bed.xmpp.stanzas[0]?.attrs).toMatchObject({ type: 'error', id: 's1' })
  expect(bed.home.received).toEqual([])
})

test('presence that nobody here has asked for counts against the limits of its peer, what was asked for does not', async () => {
  const bed = await gatewayBed({ limits: { contacts: 3 } })
  bed.xmpp.send("<presence from='juliet@xmpp.example' to='romeo@sip.example' type='subscribe'/>")
  const subscribe = await request(bed)
  ok(bed, subscribe)
  expect(await notify(bed, subscribe, 'active;expires=3600', pidf({ orchard: 'open' }))).toBe(200)
  for (let i = 0; i < 9; i++) {
    bed.xmpp.send(
      `<presence from='juliet@xmpp.example/balcony' to='romeo@sip.example'><priority>${i}</priority></presence>`,
    )
    bed.xmpp.send(`<presence from='juliet@xmpp.example' to='user${i}@sip.example' type='unsubscribe'/>`)
  }
  const counters = () => (bed.gateway.stats() as { counters: Record<string, number> }).counters
  await until(() => counters()['presence.beyond-limits'] === 7)
  await until(() => presence(bed).filter((one) => one === 'unsubscribed').length === 2)
  bed.xmpp.send("<presence from='nurse@xmpp.example' to='romeo@sip.example' type='subscribe'/>")
  expect((await request(bed)).method).toBe('SUBSCRIBE')
})
