import { expect, onTestFinished, test } from 'vitest'
import { systemRandom } from '../../../src/kernel/random.ts'
import { TimerWheel } from '../../../src/kernel/timer-wheel.ts'
import type { StreamView } from '../../../src/xmpp/s2s/channel.ts'
import { DialbackKeys } from '../../../src/xmpp/s2s/dialback-key.ts'
import type { DomainPair } from '../../../src/xmpp/s2s/domain-pair.ts'
import { DEFAULT_S2S_LIMITS, type S2sEvent, type S2sOptions } from '../../../src/xmpp/s2s/options.ts'
import type { Pool, PoolOptions } from '../../../src/xmpp/s2s/pool.ts'
import { S2sServer } from '../../../src/xmpp/s2s/server.ts'
import { Element } from '../../../src/xmpp/xml/element.ts'
import { DEFAULT_XML_LIMITS } from '../../../src/xmpp/xml/limits.ts'
import { patientClock, until } from '../../support/patient-clock.ts'
import { ALL, OWN, PEER, rulesOf, THEIRS, trusting } from './incoming-bed.ts'
import { RawClient } from './raw-client.ts'
import { domain, VALID, verifyAnswerOf } from './support.ts'

const PAIR: DomainPair = { sender: domain(OWN), target: domain(THEIRS) }

/** A server whose outgoing side takes note, and asks the authoritative server over the stream `out-1`. */
async function started(xml: { stanzaBytes?: number } = {}) {
  const events: S2sEvent[] = []
  const sent: { stanza: Element; pair: DomainPair }[] = []
  const calls: string[] = []
  let deps: PoolOptions | undefined
  const options: S2sOptions = {
    credentials: trusting(),
    keys: new DialbackKeys(['secret']),
    serves: (own) => own === OWN,
    rulesFor: () => rulesOf(ALL),
    lookups: undefined as never,
    xml: { ...DEFAULT_XML_LIMITS, ...xml },
    limits: { ...DEFAULT_S2S_LIMITS, connections: 4 },
    retry: { first: 1000, ceiling: 60_000 },
    clock: patientClock,
    timers: new TimerWheel({ clock: patientClock }),
    random: systemRandom,
    onStanza: () => {},
    onBounce: () => {},
    onEvent: (event) => events.push(event),
    onFault: (error) => {
      throw error
    },
  }
  const server = new S2sServer(
    options,
    [{ name: 'direct', address: '127.0.0.1', port: 0, tls: 'direct' }],
    (given) => {
      deps = given
      return {
        send: (stanza: Element, pair: DomainPair) => sent.push({ stanza, pair }) > 0,
        offer: () => {},
        withdraw: () => {},
        verify: (...[, , , tell]: Parameters<Pool['verify']>) => tell({ via: 'out-1' }),
        recheck: () => calls.push('recheck'),
        views() {
          calls.push('views')
          return [{ id: 'out-1' } as StreamView]
        },
        addressOf: (stream: string) => (stream === 'out-1' ? '192.0.2.1:5269' : ''),
        close: async () => void calls.push('close'),
        stats: () => ({}),
      } as unknown as Pool
    },
  )
  await server.start()
  onTestFinished(() => server.close())
  const port = server.bound[0]?.port ?? 0
  return { server, events, sent, calls, port, deps: deps as unknown as PoolOptions }
}

async function live(port: number, shows = PEER): Promise<RawClient> {
  const client = await RawClient.connectTls(port, { shows })
  await client.open({ from: THEIRS, to: OWN })
  client.send(`<db:result from='${THEIRS}' to='${OWN}'>k3y</db:result>`)
  await client.take(/type="valid"/)
  return client
}

test('both directions are one: what is sent, seen, checked anew and closed', async () => {
  const { server, calls, sent, port } = await started()
  const client = await live(port)
  expect(server.views().map(({ id }) => id)).toEqual(['in-1', 'out-1'])
  expect(server.stats().in).toMatchObject({ streams: 1, strangers: 0 })
  expect(server.send(new Element('message'), PAIR)).toBe(true)
  expect(sent).toHaveLength(1)
  server.recheck()
  const closing = server.close()
  expect(await client.error()).toBe('system-shutdown')
  client.end()
  await closing
  expect(calls).toEqual(['views', 'recheck', 'close'])
})

test('an answer that nobody asked for costs no look at all the other streams', async () => {
  const { events, deps, calls } = await started()
  for (let at = 0; at < 10; at++) deps.verified('out-1', verifyAnswerOf(THEIRS, OWN, String(at), VALID))
  expect(events).toHaveLength(10)
  expect(calls).toEqual([])
})

test('what an authoritative server says proves a key; what nobody asked is told with where it came from', async () => {
  const { events, deps, port } = await started()
  const client = await RawClient.connectTls(port)
  const id = await client.open({ from: THEIRS, to: OWN })
  client.send(
    `<db:result from='${THEIRS}' to='${OWN}'>k3y</db:result><db:verify from='${THEIRS}' to='${OWN}' id='x'>k</db:verify>`,
  )
  // Answered behind the key, which has gone out by now.
  await client.take(/<db:verify /)
  deps.verified('out-1', verifyAnswerOf(THEIRS, OWN, 'another', VALID))
  expect(events).toEqual([
    { kind: 'suspicious', stream: 'out-1', address: '192.0.2.1:5269', what: 'unsolicited-dialback' },
  ])
  deps.verified('out-1', verifyAnswerOf(THEIRS, OWN, id, VALID))
  await client.take(/type="valid"/)
})

test('the end of the stream that was asked is the end of the question', async () => {
  const { deps, port } = await started()
  const client = await RawClient.connectTls(port)
  await client.open({ from: THEIRS, to: OWN })
  client.send(
    `<db:result from='${THEIRS}' to='${OWN}'>k3y</db:result><db:verify from='${THEIRS}' to='${OWN}' id='x'>k</db:verify>`,
  )
  await client.take(/<db:verify /)
  deps.closed('out-1')
  await client.take(/type="error"><error type="wait"><remote-server-timeout/)
})

test('a stanza that cannot be taken is answered on the way out', async () => {
  const { sent, port } = await started({ stanzaBytes: 20_000 })
  const client = await live(port)
  client.send(
    `<message from='juliet@${THEIRS}' to='romeo@${OWN}'><body>${'x'.repeat(30_000)}</body></message>`,
  )
  await until(() => sent.length === 1)
  expect(sent[0]?.pair).toEqual(PAIR)
})

test('connections of both directions are counted together, and given back', async () => {
  const { server, deps, events, port } = await started()
  expect([deps.connections.take(), deps.connections.take(), deps.connections.take()]).toEqual([
    true,
    true,
    true,
  ])
  const client = await live(port)
  await expect(RawClient.connectTls(port)).rejects.toThrow()
  expect(events.at(-1)).toEqual({ kind: 'limit', limit: 'connections', address: '127.0.0.1' })
  expect(deps.connections.take()).toBe(false)
  client.destroy()
  await until(() => server.stats().in.streams === 0)
  expect(deps.connections.take()).toBe(true)
})
