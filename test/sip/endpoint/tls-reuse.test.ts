import { describe, expect, test } from 'vitest'
import type { Hop } from '../../../src/sip/endpoint/endpoint.ts'
import { type Issued, selfSigned } from '../../support/certificates.ts'
import { outcomes, outgoing, requestText, until } from './bed.ts'
import { credentials, OURS, ROOT, THEIRS, tlsBed, tlsPeer, tlsServer } from './tls-bed.ts'

const SECOND = ROOT.issue({ commonName: 'second', dns: ['second.example'] })
const BOTH = ROOT.issue({ uri: ['sip:theirs.example', 'sip:also.example'] })

let serial = 0
const viaOf = (port: number | undefined, params: string): string =>
  `SIP/2.0/TLS theirs.example${port === undefined ? '' : `:${port}`};branch=z9hG4bKreuse${++serial}${params}`

interface Case {
  readonly shows?: Issued | 'nothing'
  /** What the peer says in its Via behind the branch. */
  readonly via?: string
  readonly hop?: Partial<Hop>
  /** The name of ours that the peer asks for by SNI. */
  readonly asks?: string
}

/** RFC 5923 §8.2: a request goes back over a connection that came in only if all of it fits. */
describe('alias', () => {
  test.for<readonly [string, Case, 'reused' | 'dialled']>([
    ['all fits', {}, 'reused'],
    ['another name that the certificate proves', { shows: BOTH, hop: { names: ['also.example'] } }, 'reused'],
    ['one of several names', { hop: { names: ['edge.example', 'theirs.example'] } }, 'reused'],
    ['for the same domain of ours', { asks: 'second.example', hop: { as: 'second.example' } }, 'reused'],
    ['the peer did not say alias', { via: '' }, 'dialled'],
    ['a name that the certificate does not prove', { hop: { names: ['also.example'] } }, 'dialled'],
    ['the peer showed no certificate', { shows: 'nothing' }, 'dialled'],
    ['the peer signed its own', { shows: selfSigned({ dns: ['theirs.example'] }) }, 'dialled'],
    ['for another domain of ours (§9.3)', { hop: { as: 'second.example' } }, 'dialled'],
    ['for the first domain, where the other was asked for', { asks: 'second.example' }, 'dialled'],
  ])('%s', async ([, { shows = THEIRS, via = ';alias', hop = {}, asks }, expected]) => {
    const { endpoint, incoming, tls } = await tlsBed({
      credentials: credentials({ ours: OURS, second: SECOND }),
    })
    let dialled = 0
    const server = await tlsServer(BOTH, () => dialled++)
    const peer = await tlsPeer(tls, shows, asks === undefined ? {} : { servername: asks })
    peer.socket.write(requestText(server.port, { via: viaOf(server.port, via) }))
    await until(() => incoming.length === 1)
    const target = {
      transport: 'tls',
      address: '127.0.0.1',
      port: server.port,
      names: ['theirs.example'],
    } as const
    endpoint.send(outgoing('back to you'), { ...target, ...hop }, outcomes().on)
    const reused = (): boolean => peer.text().includes('back to you')
    await until(() => dialled === 1 || reused())
    expect(reused() ? 'reused' : 'dialled').toBe(expected)
    expect(endpoint.stats().connections).toBe(expected === 'reused' ? 1 : 2)
  })

  const aliased = async (port: number | undefined) => {
    const made = await tlsBed()
    const peer = await tlsPeer(made.tls)
    peer.socket.write(requestText(0, { via: viaOf(port, ';alias') }))
    await until(() => made.incoming.length === 1)
    const sendTo = (hop: Partial<Hop>) => {
      const { list, on } = outcomes()
      const fix = { transport: 'tls', address: '127.0.0.1', names: ['theirs.example'] } as const
      made.endpoint.send(outgoing('back to you'), { port: port ?? 5061, ...fix, ...hop }, on)
      return list
    }
    return { ...made, peer, sendTo }
  }

  test('a Via without a port means 5061', async () => {
    const { peer, sendTo } = await aliased(undefined)
    sendTo({})
    await until(() => peer.text().includes('back to you'))
  })

  test.for<readonly [string, Partial<Hop>]>([
    ['another address', { address: '127.0.0.2' }],
    ['another port', { port: 9 }],
  ])('%s is another place, whatever the certificate says', async ([, hop]) => {
    const { peer, sendTo } = await aliased(undefined)
    const list = sendTo(hop)
    await until(() => list.length === 1)
    expect(list).toEqual([{ kind: 'transport-failure', reason: 'ECONNREFUSED' }])
    expect(peer.text()).not.toContain('back to you')
  })

  test('what a peer says first holds: it cannot take over one place after the other', async () => {
    const { incoming, peer, sendTo } = await aliased(undefined)
    peer.socket.write(requestText(0, { via: viaOf(9, ';alias') }))
    await until(() => incoming.length === 2)
    const list = sendTo({ port: 9 })
    await until(() => list.length === 1)
    expect(peer.text()).not.toContain('back to you')
  })

  test('once the connection is gone, so is its alias', async () => {
    const { endpoint, peer, sendTo } = await aliased(9)
    peer.socket.destroy()
    await until(() => endpoint.stats().connections === 0)
    const list = sendTo({})
    await until(() => list.length === 1)
    expect(list).toEqual([{ kind: 'transport-failure', reason: 'ECONNREFUSED' }])
  })

  test('of two connections from the same place, each serves the domain that it proved', async () => {
    const { endpoint, incoming, tls } = await tlsBed()
    const also = ROOT.issue({ dns: ['also.example'] })
    const peers = [await tlsPeer(tls), await tlsPeer(tls, also)]
    for (const { socket } of peers) socket.write(requestText(0, { via: viaOf(undefined, ';alias') }))
    await until(() => incoming.length === 2)
    const hop = { transport: 'tls', address: '127.0.0.1', port: 5061 } as const
    endpoint.send(outgoing('for theirs'), { ...hop, names: ['theirs.example'] }, outcomes().on)
    endpoint.send(outgoing('for also'), { ...hop, names: ['also.example'] }, outcomes().on)
    await until(() => peers.every((peer) => /for (theirs|also)/.test(peer.text())))
    expect(peers.map((peer) => /for (?:theirs|also)/.exec(peer.text())?.[0])).toEqual([
      'for theirs',
      'for also',
    ])
  })
})

describe('connections that we opened', () => {
  const open = async () => {
    const { endpoint, incoming } = await tlsBed({ credentials: credentials({ ours: OURS, second: SECOND }) })
    const peers: { text(): string; socket: { write(text: string): void } }[] = []
    const server = await tlsServer(BOTH, (peer) => peers.push(peer))
    const send = (hop: Partial<Hop> = {}): void =>
      endpoint.send(
        outgoing(),
        { transport: 'tls', address: '127.0.0.1', port: server.port, names: ['theirs.example'], ...hop },
        outcomes().on,
      )
    return { endpoint, incoming, peers, send }
  }
  const requests = (text: string): number => text.split('MESSAGE sip:').length - 1

  test('serve again for the same names', async () => {
    const { peers, send } = await open()
    send()
    send()
    await until(() => peers[0] !== undefined && requests(peers[0].text()) === 2)
    send()
    await until(() => peers[0] !== undefined && requests(peers[0].text()) === 3)
    expect(peers).toHaveLength(1)
  })

  test('are apart for other names, and for each domain of ours', async () => {
    const { peers, send } = await open()
    send()
    send({ names: ['also.example'] })
    send({ as: 'second.example' })
    await until(() => peers.length === 3 && peers.every((peer) => requests(peer.text()) === 1))
  })

  test('carry the requests of the server, which is known by its certificate', async () => {
    const { incoming, peers, send } = await open()
    send()
    await until(() => peers.length === 1)
    peers[0]?.socket.write(requestText(0, { via: viaOf(undefined, ';alias') }))
    await until(() => incoming.length === 1)
    expect(incoming[0]?.source.identity).toEqual(['theirs.example', 'also.example'])
    await until(() => peers[0]?.text().includes('SIP/2.0 200') === true)
  })
})
