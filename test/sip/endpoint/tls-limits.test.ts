import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { Source } from '../../../src/sip/endpoint/endpoint.ts'
import { fakeTime } from '../../kernel/fake-time.ts'
import { bed, pause, requestText, type TcpPeer, tcpPeer, until, watch } from './bed.ts'
import { THEIRS, tlsBed, tlsPeer } from './tls-bed.ts'

const via = 'SIP/2.0/TLS theirs.example;branch=z9hG4bKlimits'
/** The beginning of a ClientHello that announces 508 octets. */
const HELLO = Buffer.from('1603010200010001fc0303', 'hex')

async function from(address: string, port: number): Promise<TcpPeer> {
  const peer = watch(connect({ host: '127.0.0.1', port, localAddress: address }))
  await once(peer.socket, 'connect')
  return peer
}

test('a peer that drips its handshake is cut off, and costs the others nothing', async () => {
  const { endpoint, events, tls } = await tlsBed({}, { limits: { handshake: 150 } })
  const slow = await tcpPeer(tls)
  let sent = 0
  const drip = setInterval(() => slow.socket.write(HELLO.subarray(sent, ++sent)), 10)
  onTestFinished(() => clearInterval(drip))
  const quick = await tlsPeer(tls)
  quick.socket.write(requestText(0, { via }))
  await until(() => quick.text().includes('SIP/2.0 200'))
  expect(slow.closed()).toBe(false)
  await until(() => slow.closed())
  clearInterval(drip)
  expect(sent).toBeGreaterThan(3)
  expect(events).toMatchObject([
    { kind: 'peer-unproved', listener: 'in-tls', address: '127.0.0.1', reason: 'handshake timeout' },
  ])
  expect(endpoint.stats()).toMatchObject({ connections: 1, peersUnproved: 1 })
})

test('peers that begin handshakes and go no further leave room for others, and give it back', async () => {
  const { endpoint, events, tls } = await tlsBed(
    {},
    { limits: { handshake: 300, handshakes: 3, handshakesPerAddress: 2 } },
  )
  const stalled = [await from('127.0.0.1', tls), await from('127.0.0.1', tls)]
  const third = await from('127.0.0.1', tls)
  await until(() => third.closed())
  expect(events).toEqual([{ kind: 'overloaded', what: 'handshakes' }])
  const other = await tlsPeer(tls, THEIRS, { localAddress: '127.0.0.2' })
  other.socket.write(requestText(0, { via }))
  await until(() => other.text().includes('SIP/2.0 200'))
  await until(() => stalled.every((peer) => peer.closed()))
  await tlsPeer(tls)
  await until(() => endpoint.stats().connections === 2)
})

test('what is no TLS is closed at once', async () => {
  const { events, tls } = await tlsBed()
  const peer = await tcpPeer(tls)
  peer.socket.write(requestText(0))
  await until(() => peer.closed())
  expect(events).toMatchObject([{ kind: 'peer-unproved', reason: expect.stringMatching(/^ERR_SSL_/) }])
})

test('a message that drips over TLS ends the connection', async () => {
  const { endpoint, events, tls } = await tlsBed({}, { limits: { partial: 150 } })
  const slow = await tlsPeer(tls)
  const text = requestText(0, { via })
  let sent = 0
  const drip = setInterval(() => slow.socket.write(text[sent++] ?? ''), 10)
  onTestFinished(() => clearInterval(drip))
  await until(() => slow.closed())
  clearInterval(drip)
  expect(events).toMatchObject([{ kind: 'connection-closed', reason: 'message not completed in time' }])
  expect(endpoint.stats().connections).toBe(0)
})

test('one address has only so many connections, over TCP and TLS', async () => {
  const { endpoint, tcp } = await bed({ limits: { connectionsPerAddress: 2 } })
  const first = await from('127.0.0.1', tcp)
  await from('127.0.0.1', tcp)
  const third = await from('127.0.0.1', tcp)
  await until(() => third.closed())
  await from('127.0.0.2', tcp)
  await until(() => endpoint.stats().connections === 3)
  expect(endpoint.stats().connectionsRefused).toBe(1)
  // What has left makes room.
  first.socket.destroy()
  await until(() => endpoint.stats().connections === 2)
  await from('127.0.0.1', tcp)
  await until(() => endpoint.stats().connections === 3)

  const secure = await tlsBed({}, { limits: { connectionsPerAddress: 1 } })
  await tlsPeer(secure.tls)
  await until(() => secure.endpoint.stats().connections === 1)
  const second = await from('127.0.0.1', secure.tls)
  await until(() => second.closed())
  await tlsPeer(secure.tls, THEIRS, { localAddress: '127.0.0.2' })
  expect(secure.events).toEqual([{ kind: 'overloaded', what: 'connections-of-address' }])
})

test('who came in is asked about once, with what it has proved, and its end is told for the same object', async () => {
  const connected: Source[] = []
  const gone: Source[] = []
  const { endpoint, incoming, tls } = await tlsBed(
    {},
    {
      onConnected: (source) => connected.push(source) === 1,
      onDisconnected: (source) => gone.push(source),
    },
  )
  const first = await tlsPeer(tls)
  first.socket.write(requestText(0, { via }))
  await until(() => incoming.length === 1)
  expect(connected[0]).toMatchObject({ transport: 'tls', identity: ['theirs.example'] })
  expect(incoming[0]?.source).toBe(connected[0])
  const second = await tlsPeer(tls)
  await until(() => second.closed())
  expect(endpoint.stats()).toMatchObject({ connections: 1, connectionsRefused: 1 })
  expect(gone).toEqual([])
  first.socket.destroy()
  await until(() => gone.length === 1)
  expect(gone[0]).toBe(connected[0])
  expect(connected).toHaveLength(2)
})

test('where nobody can say whether it may stay, it may not', async () => {
  const { endpoint, events, tls } = await tlsBed(
    {},
    {
      onConnected: () => {
        throw new Error('no table')
      },
    },
  )
  const peer = await tlsPeer(tls)
  await until(() => peer.closed())
  expect(events).toMatchObject([{ kind: 'fault' }])
  expect(endpoint.stats().connections).toBe(0)
})

test('at the end, handshakes that are under way are ended too', async () => {
  const time = fakeTime()
  const { endpoint, tls } = await tlsBed({}, { clock: time.clock, timers: time.timers })
  const stalled = await tcpPeer(tls)
  stalled.socket.write(HELLO)
  await pause(20)
  // Time stands still: nothing that would come to its end is waited for.
  await endpoint.close()
  await until(() => stalled.closed())
})
