import { expect, test } from 'vitest'
import { bed, header, outcomes, outgoing, udpPeer } from './bed.ts'

test('a hop with a side is written to from a listener of that side, whichever was bound first', async () => {
  const listener = (name: string, side: 'inside' | 'outside') =>
    ({ name, transport: 'udp', address: '127.0.0.1', port: 0, side }) as const
  const { endpoint } = await bed({ listeners: [listener('out', 'outside'), listener('in', 'inside')] })
  const peer = await udpPeer()
  const hop = { transport: 'udp', address: '127.0.0.1', port: peer.port } as const
  const portOf = (side: string) => endpoint.listeners.find((each) => each.side === side)?.port
  const { on } = outcomes()
  endpoint.send(outgoing(), { ...hop, side: 'inside' }, on)
  expect(header(await peer.next(), 'Via')).toContain(`127.0.0.1:${portOf('inside')};`)
  endpoint.send(outgoing(), hop, on)
  expect(header(await peer.next(), 'Via')).toContain(`127.0.0.1:${portOf('outside')};`)
})

test('where no listener is of that side, another one serves', async () => {
  const { endpoint } = await bed({
    listeners: [{ name: 'out', transport: 'udp', address: '127.0.0.1', port: 0, side: 'outside' }],
  })
  const peer = await udpPeer()
  endpoint.send(
    outgoing(),
    { transport: 'udp', address: '127.0.0.1', port: peer.port, side: 'inside' },
    outcomes().on,
  )
  expect(await peer.next()).toMatch(/^MESSAGE /)
})
