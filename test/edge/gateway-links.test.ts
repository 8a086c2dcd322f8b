import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startAdministration } from '../../src/administration.ts'
import { EXIT } from '../../src/cli/exit.ts'
import { runProgram } from '../../src/cli/program.ts'
import { countStreams, type S2sView, s2sLinkView } from '../../src/edge/s2s/view.ts'
import { createLog } from '../../src/logging.ts'
import { cliOf, type Ended } from '../cli/bed.ts'
import { until } from '../sip/endpoint/bed.ts'
import { tempDir } from '../support/temp.ts'
import { type GatewaySetup, gatewayBed, isLive } from './gateway-bed.ts'
import { stream } from './s2s/streams.ts'

const OUTSIDE = { name: 'outside', kind: 's2s' }

const VIEW: S2sView = {
  streams: [
    stream({ peer: 'partner.example', bidi: true, streamManagement: true }),
    stream({
      peer: 'old.example',
      direction: 'out',
      tls: undefined,
      auth: 'dialback',
      ageSeconds: 93_784,
      idleSeconds: 0,
      lastError: 'remote-connection-failed\u001b[31m',
    }),
    stream({ peer: '198.51.100.7', own: [], auth: 'none', state: 'negotiating' }),
  ],
  troubled: [
    {
      domain: 'gone.example',
      failures: 3,
      retryInSeconds: 300,
      reason: 'gone.example says that it has no XMPP',
    },
  ],
  counters: { refused: 2 },
}

/** A gateway whose administration answers at a socket, and the command that asks it. */
async function bedWithSocket(setup: GatewaySetup, view?: (link: string) => S2sView) {
  const directory = await tempDir('links')
  const bed = await gatewayBed(setup)
  const { gateway } = bed
  const isShown = (link: string): boolean => view !== undefined && link === OUTSIDE.name
  const socket = join(directory.path, 'admin.sock')
  const started = await startAdministration({
    gateway: {
      peers: gateway.peers,
      recordOf: (question) => gateway.recordOf(question),
      linkStats: (link, peer) =>
        isShown(link) ? s2sLinkView(view?.(link) as S2sView, 'live', peer) : gateway.linkStats(link, peer),
      linkStanding: (link) =>
        isShown(link)
          ? { state: 'live', ...countStreams(view?.(link).streams ?? []) }
          : gateway.linkStanding(link),
    },
    config: () => ({ ...bed.config, admin: { socket } }),
    store: undefined,
    log: createLog({ level: 'error', format: 'json' }, false),
    changed: async () => {},
  })
  if (!started.ok) throw new Error(started.error.message)
  onTestFinished(async () => {
    await started.value?.close()
    await directory[Symbol.asyncDispose]()
  })
  const run = async (...args: readonly string[]): Promise<Ended> => {
    const ended = { code: 0, out: '', err: '' }
    await runProgram(cliOf(ended, {}), [...args, '--socket', socket])
    return ended
  }
  return { ...bed, run }
}

test('a link from server to server tells every stream, and whom it cannot reach', async () => {
  const asked: string[] = []
  const bed = await bedWithSocket({ links: [OUTSIDE] }, (link) => {
    asked.push(link)
    return VIEW
  })
  const { code, out } = await bed.run('link', 'show', 'outside')
  expect(code).toBe(EXIT.done)
  expect(out).toBe(`link outside
  owner               the configuration file (change it there)
  kind                s2s
  state               live
  streams             2 in, 1 out
  domains in trouble  1
  counted: refused    2

PEER             OURS         OPENED              STATE               TLS                             PROVED BY          AGE    IDLE  STANZAS      BYTES            ADDRESS         LAST ERROR
198.51.100.7     -            by them             negotiating         TLSv1.3 TLS_AES_256_GCM_SHA384  nothing            1m 5s  5s    3 in, 4 out  500 in, 600 out  192.0.2.1:5269
old.example      sip.example  by us               open                in clear                        dialback in clear  1d 2h  0s    3 in, 4 out  500 in, 600 out  192.0.2.1:5269  remote-connection-failed\ufffd[31m
partner.example  sip.example  by them, both ways  open, acknowledged  TLSv1.3 TLS_AES_256_GCM_SHA384  certificate        1m 5s  5s    3 in, 4 out  500 in, 600 out  192.0.2.1:5269

IN TROUBLE    FAILURES  TRIED AGAIN IN  REASON
gone.example  3         5m              gone.example says that it has no XMPP
`)
  expect(asked).toEqual(['outside'])
})

test('of one peer alone; as JSON it is the same', async () => {
  const bed = await bedWithSocket({ links: [OUTSIDE] }, () => VIEW)
  const one = await bed.run('link', 'show', 'outside', '--peer', 'PARTNER.example', '--json')
  expect(JSON.parse(one.out).figures).toEqual({
    state: 'live',
    count: { in: 2, out: 1, troubled: 1 },
    streams: [JSON.parse(JSON.stringify(VIEW.streams[0]))],
    troubled: [],
    more: false,
    counters: { refused: 2 },
  })
  const address = await bed.run('link', 'show', 'outside', '--peer', '198.51.100.7', '--json')
  expect(JSON.parse(address.out).figures.streams).toMatchObject([{ state: 'negotiating' }])
  expect((await bed.run('link', 'show', 'outside', '--peer', 'nobody.example')).out).toMatch(
    /\nno streams\n$/,
  )
  const gone = await bed.run('link', 'show', 'outside', '--peer', 'gone.example')
  expect(gone.out).toMatch(/\nno streams\n\nIN TROUBLE .*\ngone\.example /)
})

test.for([
  ['outside', 'no domain', '"no domain" is not a domain name'],
  ['prosody', 'xmpp.example', '"prosody" has no streams of several peers'],
  ['prosody', '192.0.2.1', '"prosody" has no streams of several peers'],
] as const)('%s has no peer "%s"', async ([link, peer, text]) => {
  const bed = await bedWithSocket({ links: [OUTSIDE] }, () => VIEW)
  expect(await bed.run('link', 'show', link, '--peer', peer)).toMatchObject({
    code: EXIT.usage,
    err: expect.stringContaining(text),
  })
})

test('the list tells how each link stands; one without streams says so', async () => {
  const bed = await bedWithSocket({ links: [OUTSIDE] }, () => VIEW)
  const lines = (await bed.run('link', 'list')).out.split('\n')
  expect(lines[0]).toMatch(/^NAME +OWNER +KIND +STATE +IN +OUT +HOST/)
  expect(lines[1]).toMatch(/^outside +file +s2s +live +2 +1$/)
  expect(lines[2]).toMatch(/^prosody +file +component +live +127\.0\.0\.1/)
  expect(JSON.parse((await bed.run('link', 'list', '--json')).out).rows).toMatchObject([
    { name: 'outside', standing: { state: 'live', in: 2, out: 1 } },
    { name: 'prosody', standing: { state: 'live' } },
  ])
  const bare = await bedWithSocket({ links: [OUTSIDE] })
  expect((await bare.run('link', 'list')).out.split('\n')[1]).toMatch(/^outside +file +s2s +live +0 +0$/)
  expect((await bare.run('link', 'show', 'outside')).out).toMatch(
    /\n {2}streams +none\n|\n {2}streams +0 in, 0 out\n/,
  )
})

test('a component tells where its server is, since when it is live, what crossed, and the last error', async () => {
  const bed = await bedWithSocket({})
  const figures = async () => JSON.parse((await bed.run('link', 'show', 'prosody', '--json')).out).figures
  const first = await figures()
  expect(first).toMatchObject({
    state: 'live',
    address: `127.0.0.1:${bed.xmpp.port}`,
    liveSeconds: expect.any(Number),
    connects: 1,
  })
  expect(first.lastError).toBeUndefined()
  expect(first.bytesIn).toBeGreaterThan(100)
  expect(first.bytesOut).toBeGreaterThan(100)
  bed.xmpp.cut()
  await until(() => !isLive(bed.gateway))
  const lost = await figures()
  expect(lost.lastError).toMatch(/connection closed by the server|ECONNRESET/)
  expect(lost.liveSeconds).toBeUndefined()
  await until(() => isLive(bed.gateway))
  const again = await figures()
  expect(again.bytesIn).toBeGreaterThan(first.bytesIn)
  expect(again.lastError).toBe(lost.lastError)
  const { out } = await bed.run('link', 'show', 'prosody')
  expect(out).toMatch(/\n {2}server +127\.0\.0\.1:\d+\n {2}live for +\d+s\n {2}last error +\S/)
  expect(out).toMatch(/\n {2}counted: connects +2\n/)
})
