import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dragoman } from '../support/dragoman.ts'
import { identityOf } from '../support/identity.ts'
import { freePort } from '../support/ports.ts'
import { type FederatedGateway, OWN, ROMEO, startFederatedGateway } from '../support/s2s-bed.ts'
import {
  bodyOf,
  countersOf,
  established,
  messageXml,
  provedWith,
  providerOf,
  publish,
  startGuest,
} from '../support/s2s-guest.ts'
import { halfOpen } from '../support/s2s-hostile.ts'
import {
  asExpected,
  type Cell,
  type Expected,
  INVALID_ROWS,
  identityOfKind,
  MATRIX,
  PEER_KINDS,
  settingsOf,
} from '../support/s2s-matrix.ts'
import { type S2sPeer, startS2sPeer } from '../support/s2s-peer.ts'
import type { Initiating } from '../support/s2s-roles.ts'
import { conditionOf } from '../support/s2s-words.ts'

/** What the gateway writes of a way in which a domain was proved. */
const PROOF = {
  'sasl-tls': { certificate: 'match', dialback: 'not-tried', tls: true },
  'tls-dialback': { dialback: 'valid', tls: true },
  'tcp-dialback': { certificate: 'absent', dialback: 'valid', tls: false },
} as const

/** A certificate that names the domain counts as one, though it came with a key: nobody is asked about that (XEP-0220 §1.2). */
const proofIn = (way: keyof typeof PROOF, { peer }: Cell): object =>
  way !== 'tcp-dialback' && PEER_KINDS[peer].identity === 'believed' ? PROOF['sasl-tls'] : PROOF[way]

const isWay = (expected: Expected): expected is keyof typeof PROOF => expected in PROOF

/** `RO+` with the peer `old` is old.ro-on.example. */
const rowName = (row: string): string => `${row.slice(0, 2)}${row[2] === '+' ? '-on' : '-off'}`.toLowerCase()
const domainOf = ({ row, peer }: Cell): string => `${peer}.${rowName(row)}.example`

describe('the rows of TLS, SASL and dialback, on the running gateway', () => {
  let world: FederatedGateway
  const rows = [...new Set(MATRIX.map(({ row }) => row))]

  beforeAll(async () => {
    const providers = MATRIX.map((cell) =>
      providerOf(`${cell.row} ${cell.peer}`, [domainOf(cell)], { negotiation: settingsOf(cell.row) }),
    )
    world = await startFederatedGateway({ federation: { providers } })
  })
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]()
  })

  async function guestOf(cell: Cell): Promise<S2sPeer> {
    const domain = domainOf(cell)
    const identity = identityOfKind(cell.peer, domain, identityOf(world.authority, domain)) ?? 'none'
    return await startGuest(world, { domain, identity, receiving: PEER_KINDS[cell.peer].receiving })
  }

  async function comesIn(cell: Cell, peer: S2sPeer): Promise<void> {
    const { gateway, romeo } = world
    const outcome = await peer.federate(OWN, PEER_KINDS[cell.peer].initiating)
    expect(asExpected(outcome), `in\n${outcome.stream.report()}`).toBe(cell.in)
    if (!isWay(cell.in)) return
    await outcome.stream.write(messageXml(`juliet@${peer.domain}`, ROMEO, `in by ${cell.in}`))
    const message = await romeo.messages.next(({ from }) => from.includes(peer.domain))
    expect(message.body).toBe(`in by ${cell.in}`)
    const { proof } = await gateway.log.next(provedWith(peer.domain, 'in'))
    expect(proof).toMatchObject(proofIn(cell.in, cell))
  }

  async function goesOut(cell: Cell, peer: S2sPeer): Promise<void> {
    const { gateway, romeo } = world
    const sent = await romeo.message({ to: `sip:juliet@${peer.domain}`, body: `out by ${cell.out}` })
    if (isWay(cell.out)) {
      expect(sent.status, sent.reason).toBe(200)
      expect(bodyOf(await peer.stanzas.next((stanza) => stanza.is('message')))).toBe(`out by ${cell.out}`)
      const { proof } = await gateway.log.next(provedWith(peer.domain, 'out'))
      expect(proof).toMatchObject(PROOF[cell.out])
      return
    }
    expect(sent.status).toBe(504)
    expect(sent.reason).not.toBe('')
    const outcome = await peer.outcomes.next(({ kind }) => kind === 'refused')
    // What was not offered was asked for all the same (RFC 7590 §3.1), and ended the stream: there is none for our error.
    const gone = outcome.kind === 'refused' && outcome.condition === 'tls-failure'
    expect(asExpected(outcome), `out\n${outcome.stream.report()}`).toBe(gone ? 'given up' : cell.out)
    expect(peer.stanzas.all).toEqual([])
  }

  test.each(rows)('%s: six kinds of peer, both directions', async (row) => {
    for (const cell of MATRIX.filter((each) => each.row === row)) {
      await using peer = await guestOf(cell)
      try {
        await comesIn(cell, peer)
        await goesOut(cell, peer)
      } catch (error) {
        throw new Error(`${row}, ${cell.peer}: ${(error as Error).message}`, { cause: error })
      }
    }
  })

  test('rows that could prove nothing are refused by the check, and by the running gateway', async () => {
    const providers = INVALID_ROWS.map((row) =>
      providerOf(row, [`${rowName(row)}.example`], { negotiation: settingsOf(row) }),
    )
    const config = { ...world.config, federation: { ...world.config.federation, providers } }
    expect(await world.gateway.reload(config)).toMatchObject({ msg: expect.stringMatching(/refused/) })
    const checked = await dragoman(['check', '--config', world.gateway.configFile])
    expect(checked.code).not.toBe(0)
    const said = `${checked.stdout}${checked.stderr}`
    expect(said.match(/no stream could be proved/g), said).toHaveLength(INVALID_ROWS.length)
  })
})

describe('what a partner’s settings come to', () => {
  let world: FederatedGateway
  let fixedPort: number
  const verified = (name: string, negotiation: object): object =>
    providerOf(name, [`*.${name}.example`], { verification: 'verified', negotiation })
  const DIALBACK = { tls: 'optional', sasl: 'unsupported', dialback: true }

  beforeAll(async () => {
    fixedPort = await freePort()
    const providers = [
      verified('certified', {}),
      verified('dialled', DIALBACK),
      verified('trusted', { ...DIALBACK, dialbackOverTls: 'verified' }),
      providerOf('few', ['few.example', 'few-too.example'], { limits: { connections: 2 } }),
      providerOf('lively', ['lively.example'], { negotiation: { keepAlive: '1s' } }),
      providerOf('still', ['still.example'], { negotiation: { keepAlive: '0s' } }),
      providerOf('fixed', ['fixed.example'], { server: { host: '127.0.0.1', port: fixedPort } }),
      providerOf('more', ['other.example', 'out.example', 'slow.example', 'idle.example']),
      providerOf('several', ['several.example', 'second.example', 'third.example']),
    ]
    world = await startFederatedGateway({
      s2s: { limits: { setUp: '2s', idle: '5s', connections: 20 } },
      federation: {
        providers,
        contacts: [
          { user: `sip:${ROMEO}`, allow: ['friend@two.dialled.example', 'friend@three.dialled.example'] },
        ],
      },
    })
  })
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]()
  })

  const OVER_TLS: Initiating = { external: 'never', requiresTls: true, showsCertificate: false }
  const IN_CLEAR: Initiating = { external: 'never', starttls: 'never' }

  test.each([
    ['one.certified', 'a certificate', {}, 'juliet', 'verified'],
    ['one.dialled', 'dialback over TLS', OVER_TLS, 'juliet', 'refused'],
    ['two.dialled', 'dialback over TLS, on the Allow list', OVER_TLS, 'friend', 'unverified'],
    ['one.trusted', 'dialback over TLS, where that is trusted', OVER_TLS, 'juliet', 'verified'],
    ['two.trusted', 'dialback in clear, which never is', IN_CLEAR, 'juliet', 'refused'],
    ['three.dialled', 'dialback in clear, on the Allow list', IN_CLEAR, 'friend', 'unverified'],
  ] as const)('level verified: %s, %s', async (name, _, manner, user, comes) => {
    const { gateway, romeo } = world
    await using peer = await startGuest(world, { domain: `${name}.example` })
    const stream = established(await peer.federate(OWN, manner))
    await gateway.log.next(provedWith(peer.domain, 'in'))
    const sender = `${user}@${peer.domain}`
    await stream.write(messageXml(sender, ROMEO, 'who am I?'))
    if (comes === 'refused') {
      const refusal = await peer.stanzas.next((stanza) => stanza.attrs.type === 'error')
      expect(conditionOf(refusal)).toBe('forbidden')
      expect(await gateway.log.next(({ reason }) => reason === 'not-a-contact')).toMatchObject({
        from: sender,
        evidence: { kind: 's2s', link: 'internet' },
      })
      return
    }
    const message = await romeo.messages.next(({ from }) => from.includes(sender))
    expect(message.body).toBe('who am I?')
  })

  test('a partner has so many streams to us as it may, with all its domains together', async () => {
    await using few = await startGuest(world, { domain: 'few.example' })
    await using too = await startGuest(world, { domain: 'few-too.example' })
    await using other = await startGuest(world, { domain: 'other.example' })
    established(await few.federate(OWN))
    const second = established(await too.federate(OWN))
    const third = await few.federate(OWN)
    expect(third).toMatchObject({ kind: 'refused', condition: 'resource-constraint' })
    expect(await countersOf(world)).toMatchObject({ 's2s.limit.perPartner': 1 })
    // That is nothing to others; and where one has gone, there is room.
    established(await other.federate(OWN))
    second.end()
    await second.closed
    established(await few.federate(OWN))
  })

  test('streams in all: who comes in cannot keep us from going out', async () => {
    await using peer = await startGuest(world, { domain: 'out.example' })
    await using held = await halfOpen(world.ports.s2s, 30)
    // Three quarters of twenty.
    await expect.poll(() => held.open()).toBeLessThanOrEqual(15)
    const sent = await world.romeo.message({ to: `sip:juliet@${peer.domain}`, body: 'out all the same' })
    expect(sent.status).toBe(200)
    expect(bodyOf(await peer.stanzas.next())).toBe('out all the same')
    // After the time for set-up they have gone, and the next one may come.
    await held.fewerThan(1, 10_000)
    established(await peer.federate(OWN))
  })

  test('set-up takes no longer than it may, on either side', async () => {
    await using silent = await startGuest(world, { domain: 'slow.example', receiving: 'by hand' })
    const stranger = await silent.connect(world.ports.s2s)
    await stranger.open({ from: silent.domain, to: OWN })
    expect(await stranger.error()).toBe('connection-timeout')

    const sent = await world.romeo.message({ to: `sip:juliet@${silent.domain}`, body: 'anybody there?' })
    expect(sent.status).toBe(504)
    expect(sent.reason).toMatch(/within 2 s/)
    await (await silent.streams.next()).closed
  })

  test('a stream without stanzas ends in good order; with them it stays', async () => {
    await using peer = await startGuest(world, { domain: 'idle.example' })
    const idle = established(await peer.federate(OWN))
    const busy = established(await peer.federate(OWN))
    const writing = setInterval(
      () => busy.write(messageXml(`juliet@${peer.domain}`, ROMEO, 'still here')).catch(() => {}),
      500,
    )
    try {
      await idle.closed
    } finally {
      clearInterval(writing)
    }
    expect(idle.ended).toBe(true)
    expect(busy.ended).toBe(false)
    expect(
      await world.gateway.log.next(({ peer: other, reason }) => other === peer.domain && reason === 'idle'),
    ).toMatchObject({ msg: 'a stream between servers has ended', wasLive: true })
  })

  test('silence is tested as often as the partner’s settings say', async () => {
    await using lively = await startGuest(world, { domain: 'lively.example' })
    await using still = await startGuest(world, { domain: 'still.example' })
    const streams = [established(await lively.federate(OWN)), established(await still.federate(OWN))]
    for (const { domain } of [lively, still])
      await world.romeo.message({ to: `sip:juliet@${domain}`, body: 'hello' })
    streams.push(await lively.streams.next(), await still.streams.next())
    await Promise.all(streams.map(({ closed }) => closed))
    const spaces = streams.map(({ transcript }) => transcript.filter((line) => line === '<  ').length)
    expect(spaces[0]).toBeGreaterThan(1)
    expect(spaces[1]).toBe(0)
    expect(spaces[2]).toBeGreaterThan(1)
    expect(spaces[3]).toBe(0)
  })

  test('further domains of a provider are on the terms of its row, each proved for itself', async () => {
    for (const domain of ['several.example', 'second.example', 'third.example']) {
      await using peer = await startGuest(world, { domain })
      const stream = established(await peer.federate(OWN))
      await stream.write(messageXml(`juliet@${domain}`, ROMEO, domain))
      expect((await world.romeo.messages.next(({ from }) => from.includes(domain))).body).toBe(domain)
    }
    await using stranger = await startGuest(world, { domain: 'fourth.example' })
    expect(await stranger.federate(OWN)).toMatchObject({ condition: 'policy-violation' })
  })

  test('a fixed host is used whatever DNS says, and DNS is not asked', async () => {
    await using peer = await startS2sPeer({
      domain: 'fixed.example',
      identity: identityOf(world.authority, 'fixed.example'),
      receiving: {},
      port: fixedPort,
    })
    publish(world, 'fixed.example', { port: 9 })
    const sent = await world.romeo.message({ to: 'sip:juliet@fixed.example', body: 'there' })
    expect(sent.status).toBe(200)
    expect(bodyOf(await peer.stanzas.next())).toBe('there')
    expect(world.dns.queries.filter(({ name }) => name.includes('fixed.example'))).toEqual([])
    // It is believed for its certificate all the same.
    expect((await peer.streams.next()).tls?.servername).toBe('fixed.example')
  })
})
