import { expect, test } from 'vitest'
import { bed, outcomes, outgoing, tcpPeer, tcpServer, until } from './bed.ts'

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
