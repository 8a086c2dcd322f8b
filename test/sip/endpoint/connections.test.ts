import { expect, test } from 'vitest'
import { bed, outcomes, outgoing, pause, requestText, tcpPeer, tcpServer, until } from './bed.ts'

test('peers that take every connection they may do not keep requests from going out', async () => {
  const { endpoint, tcp } = await bed({ limits: { connections: 2 } })
  await tcpPeer(tcp)
  await tcpPeer(tcp)
  const third = await tcpPeer(tcp)
  await until(() => endpoint.stats().connectionsRefused === 1)
  await until(() => third.closed())
  const home = await tcpServer(() => {})
  endpoint.send(outgoing(), { transport: 'tcp', address: '127.0.0.1', port: home.port }, outcomes().on)
  await until(() => endpoint.stats().connections === 3)
  expect(endpoint.stats().connectionsRefused).toBe(1)
})

test('a connection turned away was only counted: it is told as well, in and out', async () => {
  const { endpoint, tcp, events } = await bed({ limits: { connections: 1 } })
  const told = () => events.filter(({ kind }) => kind === 'overloaded')
  await tcpPeer(tcp)
  await until(() => endpoint.stats().connections === 1)
  await tcpPeer(tcp)
  await until(() => endpoint.stats().connectionsRefused === 1)
  expect(told()).toEqual([{ kind: 'overloaded', what: 'connections' }])
  const [one, other] = [await tcpServer(() => {}), await tcpServer(() => {})]
  for (const { port } of [one, other])
    endpoint.send(outgoing(), { transport: 'tcp', address: '127.0.0.1', port }, outcomes().on)
  expect(endpoint.stats().connectionsRefused).toBe(2)
  expect(told()).toHaveLength(2)
})

test('many unfinished messages took all the memory: beyond their budget the longest is cut off', async () => {
  const { endpoint, tcp, events } = await bed({ limits: { buffered: 10_000 } })
  const unfinished = (length: number): string =>
    requestText(1, { body: 'x'.repeat(20_000) }).replace(/x+$/, 'x'.repeat(length))
  const [short, long, last] = [await tcpPeer(tcp), await tcpPeer(tcp), await tcpPeer(tcp)]
  short.socket.write(unfinished(1_000))
  long.socket.write(unfinished(6_000))
  await pause(50)
  expect(endpoint.stats().connectionsCut).toBe(0)
  last.socket.write(unfinished(4_000))
  await until(() => long.closed())
  expect([short.closed(), last.closed()]).toEqual([false, false])
  expect(endpoint.stats()).toMatchObject({ connections: 2, connectionsCut: 1 })
  expect(events).toContainEqual({ kind: 'overloaded', what: 'buffered' })
  // What was cut off no longer counts.
  last.socket.write('x'.repeat(3_000))
  await pause(50)
  expect(endpoint.stats().connectionsCut).toBe(1)
})
