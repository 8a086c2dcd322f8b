import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { systemClock } from '../../src/kernel/clock.ts'
import { ok } from '../../src/kernel/result.ts'
import { TimerWheel } from '../../src/kernel/timer-wheel.ts'
import type { Endpoint, IncomingRequest, Outcome } from '../../src/sip/endpoint/endpoint.ts'
import { Subscriptions } from '../../src/sip/events/subscriptions.ts'
import type { Watcher } from '../../src/sip/events/watcher.ts'
import { Watchers } from '../../src/sip/events/watchers.ts'
import type { SipRequest } from '../../src/sip/message.ts'
import { parseMessage } from '../../src/sip/parse.ts'
import { response } from '../../src/sip/response.ts'
import { measure } from './harness.ts'

/** The tables of subscriptions without sockets: what an entry takes, and what a NOTIFY costs besides its transaction. */
const MANY = process.argv.includes('--short') ? 20_000 : 100_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

async function heap(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect()
    await settle()
  }
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
}

function incoming(lines: readonly string[], body = ''): IncomingRequest {
  const text = `${lines.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const message = parseMessage(Buffer.from(text))
  if (!message.ok || message.value.kind !== 'request') throw new Error('not a request')
  const source = {
    transport: 'udp',
    address: '192.0.2.1',
    port: 5060,
    listener: 'o',
    side: 'outside',
  } as const
  return { request: message.value, source, respond: () => {}, onCancel: () => {} }
}

/** Answers everything with this status, a moment later. */
const answering = (sent: (request: SipRequest) => void): Endpoint =>
  ({
    send(request: SipRequest, _hop: unknown, on: (outcome: Outcome) => void) {
      sent(request)
      queueMicrotask(() => on({ kind: 'response', response: response(request, 200) }))
    },
  }) as unknown as Endpoint

const timers = new TimerWheel({ clock: systemClock, drive: false })
const hops = [{ transport: 'udp', address: '192.0.2.1', port: 5060 }] as const
const fault = (error: unknown): void => {
  throw error
}
const via = 'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK0123456789'
const route = 'Record-Route: <sip:edge.partner.example:5061;transport=tls;lr>'

function say(what: string, bytes: number): void {
  process.stderr.write(`  ${what}: ${Math.round(bytes / MANY)} octets each of ${MANY}\n`)
}

const document = Buffer.from('<presence/>')
const watchers = new Watchers<number>({
  endpoint: () => answering(() => {}),
  packages: [{ name: 'presence', type: 'application/pidf+xml', expires: 3600 }],
  timers,
  fault,
  machine: { interval: 0 },
  owner: {
    offered: (offer) => void offer.accept('active', 0),
    hops: () => hops,
    fields: () => [['Contact', '<sip:juliet@xmpp.example;gr=balcony>']],
    content: () => ({ fields: [['Content-Type', 'application/pidf+xml']], body: document }),
    ended: () => {},
  },
})
let before = await heap()
for (let i = 0; i < MANY; i++) {
  watchers.receive(
    incoming([
      `SUBSCRIBE sip:juliet${i}@xmpp.example SIP/2.0`,
      via,
      route,
      `From: <sip:romeo${i}@sip.partner.example>;tag=9fxced76sl${i}`,
      `To: <sip:juliet${i}@xmpp.example>`,
      `Call-ID: 3848276298220188511-${i}@192.0.2.100`,
      'CSeq: 1 SUBSCRIBE',
      `Contact: <sip:romeo${i}@192.0.2.100:5060;transport=tcp;ob>`,
      'Event: presence',
      'Expires: 3600',
    ]),
  )
  if (i % 1000 === 0) await settle()
}
say('a watcher', (await heap()) - before)
const list: readonly Watcher<number>[] = [...watchers.values()]
const sentBefore = list[0]?.dialog.localCSeq ?? 0
const started = process.hrtime.bigint()
for (let i = 0; i < MANY; i++) {
  list[i]?.changed()
  if (i % 1000 === 999) await settle()
}
const took = Number(process.hrtime.bigint() - started)
if (list.some(({ dialog }) => dialog.localCSeq !== sentBefore + 1))
  throw new Error('not every change was told')
process.stderr.write(`  a change told: ${Math.round(took / MANY)} ns without its transaction\n`)

const dialogs: SipRequest[] = []
let got = 0
const subscriptions = new Subscriptions<number, number>({
  endpoint: () => answering((request) => dialogs.push(request)),
  timers,
  fault,
  owner: {
    hops: () => hops,
    fields: () => [['Contact', '<sip:juliet@xmpp.example;gr=balcony>']],
    read: ({ body }) => ok(body.length),
    state: (length) => {
      got += length
    },
    pending: () => {},
    active: () => {},
    ended: () => {},
  },
})
const notify = ({ headers }: SipRequest, i: number, cseq: number): IncomingRequest =>
  incoming(
    [
      'NOTIFY sip:juliet@xmpp.example;gr=balcony SIP/2.0',
      via,
      route,
      `From: ${headers.get('To')};tag=8321234356${i}`,
      `To: ${headers.get('From')}`,
      `Call-ID: ${headers.get('Call-ID')}`,
      `CSeq: ${cseq} NOTIFY`,
      `Contact: <sip:romeo${i}@192.0.2.100:5060;transport=tcp;ob>`,
      'Event: presence',
      'Subscription-State: active;expires=3600',
      'Content-Type: application/pidf+xml',
    ],
    '<presence/>',
  )
before = await heap()
const event = { package: 'presence', id: undefined }
for (let i = 0; i < MANY; i++) {
  const wanted = { from: `sip:juliet${i}@xmpp.example`, to: `sip:romeo${i}@sip.partner.example` }
  subscriptions.subscribe({ ...wanted, event, expires: 3600, data: i })
  if (i % 1000 === 999) {
    await settle()
    for (const [j, request] of dialogs.splice(0).entries()) subscriptions.receive(notify(request, i + j, 1))
  }
}
say('a subscription', (await heap()) - before)
let state = ''
for (const subscription of subscriptions.values()) state = subscription.state.kind
if (state !== 'established' || subscriptions.size !== MANY || got === 0) throw new Error('not established')
const samples = [...subscriptions.values()]
  .slice(0, 1000)
  .map(({ dialog }, i) =>
    incoming(
      [
        'NOTIFY sip:juliet@xmpp.example;gr=balcony SIP/2.0',
        via,
        `From: <${dialog.remoteUri}>;tag=${dialog.remoteTag}`,
        `To: <${dialog.localUri}>;tag=${dialog.localTag}`,
        `Call-ID: ${dialog.callId}`,
        `CSeq: ${2 + i} NOTIFY`,
        `Contact: <${dialog.target}>`,
        'Event: presence',
        'Subscription-State: active;expires=3600',
        'Content-Type: application/pidf+xml',
      ],
      '<presence/>',
    ),
  )
measure('events/NOTIFY taken', (i) => subscriptions.receive(samples[i % samples.length] as IncomingRequest))
