import { expect, test } from 'vitest'
import { dragoman, startDragoman } from '../support/dragoman.ts'
import type { Prosody } from '../support/prosody.ts'
import { type Federated, federatedWith, JULIET, OTHER, OWN, ROMEO } from '../support/s2s-bed.ts'
import { startXmppClient } from '../support/xmpp-client.ts'

/** Streams to and from a real server as they come, live and go. */

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const IMPATIENT = { retry: { first: '100ms', ceiling: '500ms' } }

interface Shown {
  readonly count: { readonly in: number; readonly out: number }
  readonly streams: readonly Readonly<Record<string, unknown>>[]
  readonly troubled: readonly object[]
}

async function shown({ gateway }: Pick<Federated, 'gateway'>): Promise<Shown> {
  const { stdout, code } = await dragoman([
    ...['link', 'show', 'internet', '--json', '--config', gateway.configFile],
  ])
  expect(code).toBe(0)
  return JSON.parse(stdout).figures
}

const toRomeo = async ({ juliet, romeo }: Federated, body: string): Promise<void> => {
  await juliet.message({ to: ROMEO, body })
  await romeo.messages.next((message) => message.body === body, { within: 30_000 })
}
const toJuliet = async ({ juliet, romeo }: Federated, body: string): Promise<void> => {
  expect((await romeo.message({ to: `sip:${JULIET}`, body })).status).toBe(200)
  await juliet.nextMessage((message) => message.getChildText('body') === body)
}

test('without bidi there are two streams, and link shows them', () =>
  federatedWith({ server: 'prosody' }, async (world) => {
    await toRomeo(world, 'one')
    await toJuliet(world, 'two')
    const { count, streams, troubled } = await shown(world)
    expect([count, troubled]).toEqual([{ in: 1, out: 1, troubled: 0 }, []])
    const tls = { protocol: 'TLSv1.3', cipher: expect.stringMatching(/^TLS_/) }
    const both = { peer: OTHER, own: [OWN], tls, auth: 'certificate', bidi: false, state: 'live' }
    expect(streams).toMatchObject([
      { ...both, direction: 'in', stanzasIn: 1, address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
      {
        ...both,
        direction: 'out',
        stanzasOut: 1,
        streamManagement: true,
        address: `127.0.0.1:${world.server.s2sPort}`,
      },
    ])
    for (const { bytesIn, bytesOut, ageSeconds, idleSeconds } of streams) {
      expect(Number(bytesIn)).toBeGreaterThan(500)
      expect(Number(bytesOut)).toBeGreaterThan(500)
      expect(Number(idleSeconds)).toBeLessThanOrEqual(Number(ageSeconds))
    }
    const configured = ['--config', world.gateway.configFile]
    const { stdout } = await dragoman(['link', 'show', 'internet', '--peer', OTHER, ...configured])
    for (const opened of ['by them', 'by us'])
      expect(stdout).toMatch(
        new RegExp(
          `xmpp\\.example +sip\\.example +${opened} +live, acknowledged +TLSv1\\.3 \\S+ +certificate `,
        ),
      )
    expect((await dragoman(['link', 'list', ...configured])).stdout).toMatch(/internet .*\b1 +1\b/)
    const other = await dragoman(['link', 'show', 'internet', '--json', '--peer', 'a.example', ...configured])
    expect(JSON.parse(other.stdout).figures.streams).toEqual([])

    world.gateway.signal('SIGUSR2')
    const stats = await world.gateway.log.next(({ msg }) => msg === 'stats')
    expect(stats).toMatchObject({ s2s: { in: { streams: 1 }, out: { live: 1, sent: 1 } } })
  }))

test.each(['they', 'we'] as const)('bidi: one connection for both ways, that %s have opened', (first) =>
  federatedWith({ server: 'prosody', bidi: true }, async (world) => {
    if (first === 'they') await toRomeo(world, 'first')
    else await toJuliet(world, 'first')
    await toJuliet(world, 'second')
    await toRomeo(world, 'third')
    const { streams } = await shown(world)
    expect(streams).toMatchObject([{ direction: first === 'they' ? 'in' : 'out', bidi: true }])
  }),
)

test('Prosody is killed under load: nothing that was answered 200 is missing, order is kept', () =>
  federatedWith({ server: 'prosody', s2s: IMPATIENT }, async ({ server, romeo, juliet, gateway }) => {
    const prosody = server as Prosody
    // It keeps on disk what is for somebody who is not logged in.
    await juliet.close()
    const accepted: string[] = []
    const refused = new Set<number>()
    let loading = true
    const load = async (): Promise<void> => {
      for (let count = 0; loading; count++) {
        const body = `message ${count}`
        const { status } = await romeo.message({ to: `sip:${JULIET}`, body })
        if (status === 200) accepted.push(body)
        else refused.add(status)
        await pause(5)
      }
    }
    const loaded = load()
    const more = async (count: number): Promise<void> => {
      const until = accepted.length + count
      while (accepted.length < until) await pause(20)
    }
    await more(20)
    await prosody.kill()
    await pause(1500)
    await prosody.start()
    await more(20)
    loading = false
    await loaded
    // Not acknowledged when the stream broke; and no connection.
    for (const status of refused) expect([480, 504]).toContain(status)
    expect(refused).toContain(504)
    expect(
      await gateway.log.next(({ msg, wasLive }) => /has ended$/.test(msg ?? '') && wasLive === true),
    ).toMatchObject({ direction: 'out' })

    await using again = await startXmppClient({
      ...{ port: prosody.c2sPort, domain: OTHER, username: 'juliet', password: 'balcony' },
    })
    const bodies: (string | null)[] = []
    while (bodies.at(-1) !== accepted.at(-1)) bodies.push((await again.nextMessage()).getChildText('body'))
    expect(bodies.filter((body) => body !== null && accepted.includes(body))).toEqual(accepted)
  }))

test('Prosody stands still: 200 is not said before it has acknowledged, 480 follows, and it goes on by itself', () =>
  federatedWith(
    {
      server: 'prosody',
      s2s: { ...IMPATIENT, limits: { setUp: '2s' } },
      provider: { negotiation: { keepAlive: '1s' } },
    },
    async (world) => {
      const prosody = world.server as Prosody
      await toJuliet(world, 'before')
      await toRomeo(world, 'before')
      prosody.pause()
      const { status } = await world.romeo.message({ to: `sip:${JULIET}`, body: 'meanwhile' })
      expect(status).toBe(480)
      prosody.resume()
      await expect
        .poll(async () => (await world.romeo.message({ to: `sip:${JULIET}`, body: 'again' })).status)
        .toBe(200)
      await toJuliet(world, 'after')
      await toRomeo(world, 'after')
    },
  ))

test.each(['prosody', 'ejabberd'] as const)(
  '%s is restarted, then the gateway: streams come back on demand',
  (kind) =>
    federatedWith({ server: kind, s2s: IMPATIENT }, async (world) => {
      const { server, gateway, romeo } = world
      await toRomeo(world, 'first')
      await toJuliet(world, 'first')
      if ('stop' in server) await server.stop()
      else await server.kill()
      await server.start()
      await using juliet = await startXmppClient({
        ...{ port: server.c2sPort, domain: OTHER, username: 'juliet', password: 'balcony' },
      })
      const now = { ...world, juliet }
      await toJuliet(now, 'second')
      await toRomeo(now, 'second')

      const answers = Array.from({ length: 30 }, (_, count) =>
        romeo.message({ to: `sip:${JULIET}`, body: `farewell ${count}` }),
      )
      await answers[0]
      const before = server.log().length
      expect((await gateway.stop()).code).toBe(0)
      const said = (await Promise.allSettled(answers)).flatMap((answer, count) =>
        answer.status === 'fulfilled' && answer.value.status === 200 ? [`farewell ${count}`] : [],
      )
      expect(said).toContain('farewell 0')
      for (const body of said) await juliet.nextMessage((message) => message.getChildText('body') === body)
      if (kind === 'prosody') {
        // Both streams end in good order: neither connection is just gone.
        const log = server.log().slice(before)
        expect(log).toMatch(/Session closed by remote with error: system-shutdown/)
        expect(log).toMatch(/s2sin\w+ +debug\s+Received <\/stream:stream>/)
      }

      await using next = await startDragoman({ config: world.config })
      await toRomeo(now, 'third')
      await toJuliet(now, 'third')
      expect(next.pid).not.toBe(gateway.pid)
    }),
)
