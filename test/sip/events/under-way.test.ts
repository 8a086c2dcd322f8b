import { expect, test } from 'vitest'
import type { Endpoint, IncomingRequest, Outcome } from '../../../src/sip/endpoint/endpoint.ts'
import type { Watcher } from '../../../src/sip/events/watcher.ts'
import { Watchers } from '../../../src/sip/events/watchers.ts'
import type { SipRequest } from '../../../src/sip/message.ts'
import { parseMessage } from '../../../src/sip/parse.ts'
import { response } from '../../../src/sip/response.ts'
import { fakeTime } from '../../kernel/fake-time.ts'

/** Watchers of one way each, an endpoint whose NOTIFYs are answered by hand. */
function bed(underWay: number) {
  const time = fakeTime()
  const sent: { readonly request: SipRequest; readonly answer: (status: number) => void }[] = []
  const endpoint = {
    send: (request: SipRequest, _hop: unknown, on: (outcome: Outcome) => void) =>
      sent.push({
        request,
        answer: (status) => on({ kind: 'response', response: response(request, status) }),
      }),
  } as unknown as Endpoint
  const state = { document: 'one' }
  const taken: Watcher<string>[] = []
  const watchers = new Watchers<string>({
    endpoint: () => endpoint,
    packages: [{ name: 'presence', type: 'text/plain', expires: 3600 }],
    timers: time.timers,
    clock: time.clock,
    underWay,
    fault: (error) => {
      throw error
    },
    owner: {
      offered: (offer) => {
        const watcher = offer.accept('active', offer.request.headers.get('Call-ID')?.split('@')[1] ?? '')
        if (watcher !== undefined) taken.push(watcher)
      },
      lane: ({ data }) => data,
      hops: () => [{ transport: 'udp', address: '192.0.2.1', port: 5060 }],
      fields: () => [['Contact', '<sip:juliet@xmpp.example>']],
      content: () => ({ fields: [['Content-Type', 'text/plain']], body: Buffer.from(state.document) }),
      ended: () => {},
    },
  })
  let serial = 0
  const subscribe = async (home: string): Promise<void> => {
    const message = parseMessage(
      Buffer.from(
        [
          'SUBSCRIBE sip:juliet@xmpp.example SIP/2.0',
          'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1',
          'From: <sip:romeo@sip.example>;tag=r',
          'To: <sip:juliet@xmpp.example>',
          `Call-ID: ${++serial}@${home}`,
          'CSeq: 1 SUBSCRIBE',
          'Contact: <sip:romeo@192.0.2.1>',
          'Event: presence',
          'Expires: 3600',
          'Content-Length: 0',
          '',
          '',
        ].join('\r\n'),
      ),
    )
    if (!message.ok || message.value.kind !== 'request') throw new Error('not a request')
    const source = {
      transport: 'udp',
      address: '192.0.2.1',
      port: 5060,
      listener: 'i',
      side: 'inside',
    } as const
    const incoming: IncomingRequest = {
      request: message.value,
      source,
      respond: () => {},
      onCancel: () => {},
    }
    watchers.receive(incoming)
    await settled()
  }
  const answer = async (status = 200): Promise<void> => {
    sent.shift()?.answer(status)
    await settled()
  }
  const shown = (): string[] =>
    sent.map(({ request: { headers, body } }) => {
      const [word] = (headers.get('Subscription-State') ?? '').split(';expires')
      return `${headers.get('Call-ID')} ${word} ${Buffer.from(body)}`.trim()
    })
  return { watchers, state, taken, subscribe, answer, shown, sent }
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

test('a NOTIFY that had to wait tells what is true when it goes out', async () => {
  const { subscribe, answer, shown, state, watchers } = bed(1)
  await subscribe('a')
  await subscribe('a')
  expect([shown(), watchers.stats().waiting]).toEqual([['1@a active one'], 1])
  state.document = 'two'
  await answer()
  expect([shown(), watchers.stats().waiting]).toEqual([['2@a active two'], 0])
})

test('a home server that does not answer holds up no other', async () => {
  const { subscribe, shown } = bed(1)
  for (const home of ['a', 'a', 'b']) await subscribe(home)
  expect(shown()).toEqual(['1@a active one', '3@b active one'])
})

test('whose subscription ended while it waited hears that, and nothing else', async () => {
  const { subscribe, answer, shown, taken, watchers } = bed(1)
  await subscribe('a')
  await subscribe('a')
  taken[1]?.end('rejected')
  await answer()
  expect(shown()).toEqual(['2@a terminated;reason=rejected'])
  await answer()
  expect([shown(), watchers.size]).toEqual([[], 1])
})

test('one that fails makes room like one that is answered', async () => {
  const { subscribe, answer, shown } = bed(1)
  await subscribe('a')
  await subscribe('a')
  await answer(481)
  expect(shown()).toEqual(['2@a active one'])
})

test('numbers of a dialog are taken when its NOTIFY goes out', async () => {
  const { subscribe, answer, sent } = bed(1)
  await subscribe('a')
  await subscribe('a')
  await answer()
  expect(sent[0]?.request.headers.get('CSeq')).toBe('1 NOTIFY')
})
