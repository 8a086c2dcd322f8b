import { describe, expect, test } from 'vitest'
import type { Channel } from '../../../src/xmpp/s2s/channel.ts'
import type { DomainPair } from '../../../src/xmpp/s2s/domain-pair.ts'
import type { Confirmation } from '../../../src/xmpp/s2s/options.ts'
import type { VerifyOutcome } from '../../../src/xmpp/s2s/outgoing.ts'
import { until } from '../../support/patient-clock.ts'
import { headerOf, politePeer, type Traits } from './polite-peer.ts'
import { ALL, type BedOptions, CAPULET, MATCHING, MONTAGUE, PAIR, poolBed } from './pool-bed.ts'
import { rawServer, type Script } from './raw-server.ts'
import { domain, verifyRequest } from './support.ts'
import { arrived, withPeer as bedWithPeer, readBy } from './with-peer.ts'

const HEADER = /<stream:stream[^>]*>/
const ROOMS: DomainPair = { sender: domain('rooms.capulet.example'), target: MONTAGUE }
/** In clear, which is quickest. */
const CLEAR: Traits = { starttls: 'absent' }

/** By whatever proves. */
const withPeer = (script: Script | Traits, options: BedOptions = {}) =>
  bedWithPeer(script, { rules: { accepted: ALL }, ...options })

describe('streams', () => {
  test('one for each pair of domains, used again', async () => {
    await using bed = await withPeer(CLEAR)
    for (const id of ['m1', 'm2']) {
      bed.send(id)
      await bed.told(id)
    }
    bed.send('r1', ROOMS)
    await bed.told('r1')
    expect(bed.server.peers).toHaveLength(2)
    expect(bed.pool.stats()).toMatchObject({ streams: 2, live: 2, opened: 2, proved: 2, sent: 3 })
    expect(readBy(bed.server, 1)).toContain('from="rooms.capulet.example"')
  })

  test('what they tell of themselves', async () => {
    await using bed = await withPeer({ shows: MATCHING })
    bed.send('m1')
    await arrived(bed.server, '</message>')
    bed.time.pass(500)
    const [view] = bed.pool.views()
    expect(view).toMatchObject({
      id: 'out-1',
      direction: 'out',
      peers: [MONTAGUE],
      own: [CAPULET],
      bidi: false,
      address: `127.0.0.1:${bed.server.port}`,
      tls: { protocol: 'TLSv1.3', cipher: bed.server.peers[0]?.tls?.cipher },
      auth: 'certificate',
      state: 'live',
      age: 500,
      idle: 500,
      stanzasIn: 0,
      stanzasOut: 1,
      managed: false,
    })
    expect(view?.bytesOut).toBe(Buffer.byteLength(readBy(bed.server)))
    expect(view?.bytesIn).toBeGreaterThan(500)
  })

  test('end in good order when they are idle, and begin anew', async () => {
    await using bed = await withPeer(CLEAR, { limits: { idle: 60_000 } })
    bed.send('m1')
    await bed.told('m1')
    bed.time.pass(59_999)
    bed.send('m2')
    bed.time.pass(59_999)
    expect(bed.pool.stats().live).toBe(1)
    bed.time.pass(1)
    await until(() => bed.open() === 0)
    expect(readBy(bed.server)).toMatch(/<\/message><\/stream:stream>$/)
    expect(bed.ofKind('closed')).toMatchObject([{ reason: 'idle', wasLive: true, peer: MONTAGUE }])
    expect(bed.closed).toEqual(['out-1'])
    bed.send('m3')
    expect(await bed.told('m3')).toBe(true)
    expect(bed.server.peers).toHaveLength(2)
  })

  test('give a sign of life in silence, by white space', async () => {
    await using bed = await withPeer(CLEAR, { rules: { accepted: ['tcp-dialback'], keepAlive: 10_000 } })
    bed.send('m1')
    await bed.told('m1')
    await arrived(bed.server, '</message>')
    bed.time.pass(10_000)
    await arrived(bed.server, '</message> ')
    bed.time.pass(10_000)
    await arrived(bed.server, '</message>  ')
    expect(bed.pool.stats().live).toBe(1)
  })

  test('ask for one where the peer counts, and are cut off without an answer', async () => {
    const rules = { accepted: ['tcp-dialback'], keepAlive: 10_000 } as const
    await using bed = await withPeer({ ...CLEAR, sm: 'enabled', acknowledges: 2 }, { rules })
    const asked = (): number => readBy(bed.server).split('<r ').length - 1
    const heard = (): number => bed.pool.views()[0]?.bytesIn ?? 0
    bed.send('m1')
    await bed.told('m1')
    const before = heard()
    bed.time.pass(10_000)
    await until(() => asked() === 2 && heard() > before)
    bed.time.pass(10_000)
    await until(() => asked() === 3)
    bed.time.pass(29_999)
    expect(bed.pool.stats().live).toBe(1)
    bed.time.pass(1)
    await until(() => bed.open() === 0)
    expect(bed.ofKind('closed')).toMatchObject([{ reason: 'no acknowledgement in time: the stream is dead' }])
    expect(asked()).toBe(3)
  })

  test('that are no longer allowed end, and what waits is bounced', async () => {
    const other = domain('verona.example')
    await using silent = await rawServer(() => {})
    await using server = await rawServer(politePeer(CLEAR))
    await using bed = poolBed({ servers: { [MONTAGUE]: server.port, [other]: silent.port } })
    bed.send('m1')
    await bed.told('m1')
    bed.send('v1', { sender: CAPULET, target: other })
    bed.pool.recheck()
    expect(bed.pool.stats()).toMatchObject({ streams: 2, live: 1 })
    bed.rule(() => undefined)
    bed.pool.recheck()
    expect(await bed.told('v1')).toBe(false)
    expect(bed.bounces).toMatchObject([
      { id: 'v1', bounce: { text: 'no stream to verona.example any more: the rules have changed' } },
    ])
    await arrived(server, '<policy-violation ')
    await until(() => bed.open() === 0)
    bed.send('m2')
    expect(await bed.told('m2')).toBe(false)
    expect(bed.bounces[1]?.bounce.text).toBe(
      'there are no streams between capulet.example and montague.example',
    )
  })

  test('a stream in clear ends when TLS becomes required', async () => {
    await using bed = await withPeer(CLEAR)
    bed.send('m1')
    await bed.told('m1')
    bed.rule({ accepted: ['sasl-tls', 'tls-dialback'] })
    bed.pool.recheck()
    await arrived(bed.server, '</stream:stream>')
  })

  test('all end with the pool; what waits is bounced, and nothing is taken any more', async () => {
    const other = domain('verona.example')
    await using silent = await rawServer(() => {})
    await using server = await rawServer(politePeer(CLEAR))
    await using bed = poolBed({ servers: { [MONTAGUE]: server.port, [other]: silent.port } })
    bed.send('m1')
    await bed.told('m1')
    bed.send('v1', { sender: CAPULET, target: other })
    await bed.pool.close()
    expect(readBy(server)).toMatch(/<\/message><\/stream:stream>$/)
    expect(bed.bounces).toEqual([
      { id: 'v1', bounce: { condition: 'remote-server-timeout', text: 'the gateway is stopping' } },
    ])
    expect(bed.send('m2')).toBe(false)
    expect(bed.open()).toBe(0)
  })

  test('go on where those who are told throw', async () => {
    await using bed = await withPeer(CLEAR)
    const thrown = new Error('of ours')
    bed.pool.send(bed.message('m1'), PAIR, () => {
      throw thrown
    })
    bed.send('m2')
    expect(await bed.told('m2')).toBe(true)
    expect(bed.faults.splice(0)).toEqual([thrown])
    expect(bed.pool.stats().live).toBe(1)
  })

  test('no more than there may be connections', async () => {
    await using bed = await withPeer(CLEAR, { connections: 1 })
    bed.send('m1')
    await bed.told('m1')
    expect(bed.send('r1', ROOMS)).toBe(true)
    expect(await bed.told('r1')).toBe(false)
    expect(bed.bounces).toMatchObject([{ bounce: { condition: 'resource-constraint' } }])
    expect(bed.ofKind('limit')).toMatchObject([{ limit: 'connections' }])
    expect(bed.pool.troubled()).toEqual([])
  })
})

describe('what waits for a stream', () => {
  test('leaves in its order, and what comes meanwhile behind it', async () => {
    await using bed = await withPeer(CLEAR)
    for (let at = 0; at < 10; at++) bed.send(`m${at}`)
    await bed.told('m0')
    for (let at = 10; at < 20; at++) bed.send(`m${at}`)
    await arrived(bed.server, 'text of m19')
    const found = [...readBy(bed.server).matchAll(/text of m(\d+)/g)].map(([, at]) => Number(at))
    expect(found).toEqual(Array.from({ length: 20 }, (_, at) => at))
  })

  test('is bounded for each pair, in stanzas', async () => {
    await using bed = await withPeer(() => {}, { limits: { queueStanzas: 3 } })
    expect([1, 2, 3, 4].map((at) => bed.send(`m${at}`))).toEqual([true, true, true, false])
    expect(bed.send('r1', ROOMS)).toBe(true)
    expect(bed.pool.stats()).toMatchObject({ queuedStanzas: 4, refusedSends: 1 })
    expect(bed.taken.size).toBe(0)
  })

  test('is bounded for all pairs together, in octets, which are free again afterwards', async () => {
    const octets = Buffer.byteLength(poolBed({}).message('m1').toString())
    await using bed = await withPeer(CLEAR, { limits: { queueBytes: 2 * octets + 10 } })
    expect([bed.send('m1'), bed.send('m2'), bed.send('m3')]).toEqual([true, true, false])
    expect(bed.send('r1', ROOMS)).toBe(false)
    expect(bed.pool.stats().queuedBytes).toBe(2 * octets)
    await bed.told('m2')
    expect(bed.pool.stats().queuedBytes).toBe(0)
    expect(bed.send('r1', ROOMS)).toBe(true)
  })

  test('a reader that is too slow is told of: nothing is taken beyond the limit', async () => {
    await using bed = await withPeer({ ...CLEAR }, { limits: { outgoingBytes: 200 } })
    bed.send('m1')
    await bed.told('m1')
    const taken = [1, 2, 3, 4].map((at) => bed.send(`n${at}`))
    expect(taken).toEqual([true, true, false, false])
  })
})

describe('a domain that cannot be reached', () => {
  const broken = (): Promise<Awaited<ReturnType<typeof withPeer>>> =>
    withPeer(async (peer) => {
      await peer.until(HEADER)
      peer.end(headerOf({ version: false, db: false }))
    })

  test('is left alone for longer and longer, and what is sent meanwhile hears the same cause at once', async () => {
    await using bed = await broken()
    // Half of the back-off, since the jitter of this bed is none.
    for (const [at, wait] of [1_000, 2_000, 4_000, 8_000].entries()) {
      bed.send(`a${at}`)
      expect(await bed.told(`a${at}`)).toBe(false)
      expect(bed.server.peers).toHaveLength(at + 1)
      bed.time.pass(wait - 1)
      expect(bed.send(`b${at}`)).toBe(true)
      expect(await bed.told(`b${at}`)).toBe(false)
      expect(bed.server.peers).toHaveLength(at + 1)
      expect(bed.pool.troubled()).toMatchObject([{ domain: MONTAGUE, failures: at + 1, retryIn: 1 }])
      bed.time.pass(1)
    }
    expect(new Set(bed.bounces.map(({ bounce }) => bounce.text)).size).toBe(1)
    expect(bed.ofKind('unreachable').map(({ retryIn }) => retryIn)).toEqual([1_000, 2_000, 4_000, 8_000])
  })

  test('is not one that refuses another domain of ours, whoever had us try it', async () => {
    await using willing = await rawServer(politePeer(CLEAR))
    await using refusing = await rawServer(async (peer) => {
      await peer.until(HEADER)
      peer.end(`${headerOf({})}</stream:stream>`)
    })
    await using bed = poolBed({
      rules: (own) => ({
        fixed: { host: '127.0.0.1', port: own === CAPULET ? willing.port : refusing.port },
      }),
    })
    const request = verifyRequest('rooms.capulet.example', 'montague.example', 'x')
    const claimed = { sender: MONTAGUE, target: ROOMS.sender }
    await new Promise((resolve) => bed.pool.verify(claimed, request, 'in-1', resolve))
    expect(bed.pool.troubled()).toMatchObject([{ domain: MONTAGUE, failures: 1 }])
    bed.send('r1', ROOMS)
    expect(await bed.told('r1')).toBe(false)
    bed.send('m1')
    expect(await bed.told('m1')).toBe(true)
    expect(refusing.peers).toHaveLength(1)
  })

  test('never is for longer than the ceiling', async () => {
    await using bed = await broken()
    for (let at = 0; at < 9; at++) {
      bed.send(`a${at}`)
      await bed.told(`a${at}`)
      bed.time.pass(bed.pool.troubled()[0]?.retryIn ?? 0)
    }
    expect(bed.ofKind('unreachable').at(-1)?.retryIn).toBe(32_000)
  })

  test('is so for every pair, and for keys that are to be verified', async () => {
    const server = await rawServer(() => {})
    await server[Symbol.asyncDispose]()
    await using bed = poolBed({ servers: { [MONTAGUE]: server.port } })
    bed.send('m1')
    await bed.told('m1')
    bed.send('r1', ROOMS)
    expect(await bed.told('r1')).toBe(false)
    const told: VerifyOutcome[] = []
    bed.pool.verify(
      { sender: MONTAGUE, target: CAPULET },
      verifyRequest('capulet.example', 'montague.example', 'x'),
      'in-1',
      (outcome) => told.push(outcome),
    )
    expect(told).toEqual([{ unreachable: 'no-connection' }])
    expect(bed.pool.stats().opened).toBe(1)
  })

  test('is none any more once a stream has lasted', async () => {
    let works = false
    await using bed = await withPeer((peer, at) => (works ? politePeer(CLEAR)(peer, at) : peer.destroy()))
    bed.send('m1')
    await bed.told('m1')
    works = true
    bed.time.pass(1_000)
    bed.send('m2')
    expect(await bed.told('m2')).toBe(true)
    expect(bed.pool.troubled()).toEqual([])
    bed.time.pass(30_000)
    bed.server.peers[1]?.destroy()
    await until(() => bed.open() === 0)
    works = false
    bed.send('m3')
    await bed.told('m3')
    expect(bed.pool.troubled()).toMatchObject([{ failures: 1 }])
  })

  test('is one that lets us in and ends the stream at once, again and again', async () => {
    await using bed = await withPeer(async (peer, at) => {
      const polite = politePeer(CLEAR)(peer, at)
      await peer.closed
      await polite
    })
    const cutShort = async (at: number): Promise<void> => {
      bed.send(`m${at}`)
      expect(await bed.told(`m${at}`)).toBe(true)
      bed.server.peers[at]?.destroy()
      await until(() => bed.open() === 0)
    }
    await cutShort(0)
    expect(bed.pool.troubled()).toEqual([])
    await cutShort(1)
    bed.send('early')
    expect(await bed.told('early')).toBe(false)
    expect(bed.bounces[0]?.bounce.text).toContain('montague.example ended the last stream at once: ')
    bed.time.pass(2_000)
    await cutShort(2)
    expect(bed.ofKind('unreachable').map(({ retryIn }) => retryIn)).toEqual([2_000, 4_000])
  })

  test('so many are remembered, and the oldest are forgotten first', async () => {
    await using bed = poolBed({ limits: { domains: 2 } })
    for (const name of ['a', 'b', 'c']) {
      bed.send(name, { sender: CAPULET, target: domain(`${name}.example`) })
      await bed.told(name)
    }
    expect(bed.pool.troubled().map((each) => each.domain)).toEqual(['b.example', 'c.example'])
  })
})

describe('keys that are to be verified (XEP-0220 §2.2.2)', () => {
  const verify = (bed: Pick<ReturnType<typeof poolBed>, 'pool'>, id = 'x', except = 'in-1') =>
    new Promise<VerifyOutcome>((resolve) =>
      bed.pool.verify(
        { sender: MONTAGUE, target: CAPULET },
        verifyRequest('capulet.example', 'montague.example', id),
        except,
        resolve,
      ),
    )

  test('are asked for on a stream that has proved nothing, and proves nothing for that', async () => {
    await using bed = await withPeer({ shows: MATCHING })
    expect(await verify(bed)).toEqual({ via: 'out-1' })
    await until(() => bed.verified.length > 0)
    expect(bed.verified).toEqual(['out-1 montague.example x valid'])
    expect(readBy(bed.server)).toMatch(
      /<db:verify from="capulet.example" to="montague.example" id="x">k3y<\/db:verify>$/,
    )
    expect(readBy(bed.server)).not.toMatch(/<auth|<db:result/)
  })

  test('share a stream, which ends once there is nothing more to verify', async () => {
    await using bed = await withPeer({ shows: MATCHING })
    const outcomes = await Promise.all([verify(bed, 'x'), verify(bed, 'y')])
    expect(outcomes).toEqual([{ via: 'out-1' }, { via: 'out-1' }])
    bed.time.pass(29_000)
    expect(await verify(bed, 'z')).toEqual({ via: 'out-1' })
    bed.time.pass(29_999)
    expect(bed.pool.stats().streams).toBe(1)
    bed.time.pass(1)
    await until(() => bed.open() === 0)
    expect(bed.pool.troubled()).toEqual([])
    expect(bed.closed).toEqual(['out-1'])
  })

  test('from however many domains leave room for stanzas: the streams that only verify are few', async () => {
    const strangers = Array.from({ length: 12 }, (_, at) => domain(`${at}.verona.example`))
    await using server = await rawServer(politePeer({ shows: MATCHING }))
    await using bed = poolBed({
      servers: Object.fromEntries([MONTAGUE, ...strangers].map((name) => [name, server.port])),
      limits: { connections: 8 },
      connections: 8,
    })
    for (const [at, sender] of strangers.entries()) {
      const request = verifyRequest('capulet.example', sender, 'x')
      await new Promise((resolve) => bed.pool.verify({ sender, target: CAPULET }, request, 'in-1', resolve))
      await until(() => bed.verified.length === at + 1 && bed.open() <= 2)
    }
    bed.send('m1')
    expect(await bed.told('m1')).toBe(true)
    expect(bed.ofKind('limit')).toEqual([])
  })

  test('go over a stream for stanzas, and stanzas over a stream for keys', async () => {
    await using bed = await withPeer({ shows: MATCHING })
    expect(await verify(bed)).toEqual({ via: 'out-1' })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(true)
    expect(await verify(bed, 'y')).toEqual({ via: 'out-1' })
    expect(bed.server.peers).toHaveLength(1)
  })

  test('never go over the stream that they came on (XEP-0288 §2.2)', async () => {
    await using bed = await withPeer({ shows: MATCHING })
    bed.send('m1')
    await bed.told('m1')
    expect(await verify(bed, 'x', 'out-1')).toEqual({ via: 'out-2' })
  })

  test('cannot be where the peer knows no dialback, or is not there', async () => {
    await using bed = await withPeer({ shows: MATCHING, db: false, dialback: false })
    expect(await verify(bed)).toEqual({ unreachable: 'no-connection' })
    await using nowhere = poolBed({})
    expect(await verify(nowhere)).toEqual({ unreachable: 'not-found' })
    await using unwanted = poolBed({ rules: () => undefined })
    expect(await verify(unwanted)).toEqual({ unreachable: 'no-connection' })
  })

  test('a stanza that comes just when the peer ends such a stream gets a new one', async () => {
    await using bed = await withPeer(
      async (peer, at) => {
        if (at > 0) return politePeer(CLEAR)(peer, at)
        await peer.until(HEADER)
        peer.write(`${headerOf({})}<stream:features/>`)
        await peer.until(/<db:result/)
        peer.end('</stream:stream>')
      },
      { rules: { accepted: ['tcp-dialback'] } },
    )
    expect(await verify(bed)).toEqual({ via: 'out-1' })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(true)
    expect(bed.server.peers).toHaveLength(2)
    expect(bed.bounces).toEqual([])
  })

  test('a peer that ends such a stream is none that cannot be reached', async () => {
    await using bed = await withPeer({ shows: MATCHING })
    await verify(bed)
    bed.server.peers[0]?.end('</stream:stream>')
    await until(() => bed.open() === 0)
    expect(bed.pool.troubled()).toEqual([])
  })
})

describe('ways back of streams that were opened to us (XEP-0288)', () => {
  function channel() {
    const sent: string[] = []
    let takes = true
    const way: Channel & { readonly sent: readonly string[]; refuse(): void } = {
      name: 'in-1',
      sent,
      refuse() {
        takes = false
      },
      send(stanza, taken?: Confirmation) {
        if (!takes) return false
        sent.push(stanza.attrs.id as string)
        taken?.(true)
        return true
      },
    }
    return way
  }

  test('are used instead of a stream of ours, while they are offered', async () => {
    await using bed = await withPeer(CLEAR)
    const back = channel()
    bed.pool.offer(PAIR, back)
    bed.send('m1')
    expect(await bed.told('m1')).toBe(true)
    expect(back.sent).toEqual(['m1'])
    bed.send('r1', ROOMS)
    await bed.told('r1')
    expect(back.sent).toEqual(['m1'])
    bed.pool.withdraw(back)
    bed.send('m2')
    expect(await bed.told('m2')).toBe(true)
    expect(back.sent).toEqual(['m1'])
    expect(bed.server.peers).toHaveLength(2)
  })

  test('it is told that a domain can be reached, and that what led there broke', async () => {
    await using bed = await withPeer(CLEAR)
    bed.send('m1')
    await bed.told('m1')
    expect(bed.ofKind('reachable')).toEqual([{ kind: 'reachable', domain: MONTAGUE }])
    bed.server.peers[0]?.end('</stream:stream>')
    await until(() => bed.open() === 0)
    expect(bed.ofKind('cut')).toEqual([])
    bed.send('m2')
    await bed.told('m2')
    bed.server.peers[1]?.destroy()
    await until(() => bed.open() === 0)
    expect(bed.ofKind('cut')).toEqual([{ kind: 'cut', domain: MONTAGUE }])

    const [used, unused] = [channel(), channel()]
    bed.pool.offer(PAIR, used)
    bed.pool.offer(PAIR, unused)
    bed.send('m3')
    await bed.told('m3')
    bed.pool.withdraw(unused, true)
    expect(bed.ofKind('cut')).toHaveLength(1)
    bed.pool.withdraw(used, true)
    expect([bed.ofKind('cut').length, bed.ofKind('reachable').length]).toEqual([2, 4])
  })

  test('take what waits for a stream', async () => {
    await using bed = await withPeer(() => {})
    bed.send('m1')
    bed.send('m2')
    const back = channel()
    bed.pool.offer(PAIR, back)
    expect(back.sent).toEqual(['m1', 'm2'])
    expect(bed.pool.stats().queuedStanzas).toBe(0)
  })

  test('a live stream of ours stays in use, so that stanzas stay in order', async () => {
    await using bed = await withPeer(CLEAR)
    bed.send('m1')
    await bed.told('m1')
    const back = channel()
    bed.pool.offer(PAIR, back)
    bed.send('m2')
    await bed.told('m2')
    expect(back.sent).toEqual([])
    bed.server.peers[0]?.end('</stream:stream>')
    await until(() => bed.open() === 0)
    bed.send('m3')
    expect(back.sent).toEqual(['m3'])
  })

  test('one that takes nothing says so', async () => {
    await using bed = await withPeer(CLEAR)
    const back = channel()
    bed.pool.offer(PAIR, back)
    back.refuse()
    expect(bed.send('m1')).toBe(false)
    expect(bed.taken.size).toBe(0)
  })
})
