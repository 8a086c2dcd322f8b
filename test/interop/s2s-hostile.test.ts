import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { identityOf } from '../support/identity.ts'
import { freePort } from '../support/ports.ts'
import { mostDuring } from '../support/process-cost.ts'
import { type FederatedGateway, OWN, ROMEO, startFederatedGateway } from '../support/s2s-bed.ts'
import {
  countersOf,
  established,
  lastErrorOf,
  messageXml,
  providerOf,
  publish,
  startGuest,
} from '../support/s2s-guest.ts'
import {
  deepMessage,
  entityBomb,
  halfOpen,
  hugeMessage,
  keysFor,
  spoofedHeader,
  spoofedMessage,
  wideTag,
} from '../support/s2s-hostile.ts'
import type { S2sPeer } from '../support/s2s-peer.ts'
import type { S2sStream } from '../support/s2s-stream.ts'
import { conditionOf, dialbackText, headerText, NS } from '../support/s2s-words.ts'

/** Each in its turn against one gateway, on which an honest peer goes on writing: with the limits as they are by default. */

const CHAT = 'chat.example'
const MALLORY = 'mallory.example'
const VICTIM = 'victim.example'
const HONEST = 'honest.example'
/** Mallory's address, where many connections come from one. */
const ELSEWHERE = '127.0.0.66'
const SET_UP = 3_000
/** Megabytes that an attack may cost. Without bounds each of them would cost hundreds. */
const BOUND = 96

let world: FederatedGateway
let honest: S2sPeer
let mallory: S2sPeer
let victim: S2sPeer
let live: S2sStream
const owned: AsyncDisposable[] = []
const use = <T extends AsyncDisposable>(thing: T): T => {
  owned.unshift(thing)
  return thing
}

beforeAll(async () => {
  world = use(
    await startFederatedGateway({
      also: [CHAT],
      s2s: { limits: { setUp: `${SET_UP}ms` } },
      federation: {
        providers: [
          providerOf('Honest', [HONEST, `*.${HONEST}`]),
          providerOf('Mallory', [MALLORY, `*.${MALLORY}`], { limits: { connections: 100 } }),
          providerOf('Victim', [VICTIM]),
          providerOf('Victims', ['*.victims.example'], {
            negotiation: { tls: 'optional', sasl: 'optional', dialback: true },
          }),
        ],
      },
    }),
  )
  honest = use(await startGuest(world, { domain: HONEST }))
  mallory = use(await startGuest(world, { domain: MALLORY }))
  victim = use(await startGuest(world, { domain: VICTIM }))
  live = established(await honest.federate(OWN))
})
afterAll(async () => {
  for (const each of owned) await each[Symbol.asyncDispose]()
})
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(world.gateway.output().slice(-6_000))
})

/** An honest message comes in on the stream that was there, another on a new one, and one goes out. */
async function othersGetThrough(): Promise<void> {
  const { romeo } = world
  const juliet = `juliet@${HONEST}`
  const says = async (stream: S2sStream, body: string): Promise<void> => {
    await stream.write(messageXml(juliet, ROMEO, body))
    await romeo.messages.next((message) => message.body === body, { what: `no “${body}”` })
  }
  await says(live, 'on the old stream')
  let fresh: S2sStream | undefined
  await expect
    .poll(async () => {
      const outcome = await honest.federate(OWN)
      fresh = outcome.kind === 'established' ? outcome.stream : undefined
      return outcome.kind
    })
    .toBe('established')
  await says(fresh as S2sStream, 'on a new stream')
  fresh?.end()
  const sent = await romeo.message({ to: `sip:${juliet}`, body: 'and out' })
  expect(sent.status, sent.reason).toBe(200)
}

/** Nothing that was put into the mouth of another has come to Romeo. */
const nothingSpoofed = (): void =>
  expect(world.romeo.messages.all.filter(({ body }) => body.includes('spoofed'))).toEqual([])

const asMallory = async (): Promise<S2sStream> => established(await mallory.federate(OWN))
/** By dialback, so that further keys may follow. */
const byKey = async (): Promise<S2sStream> =>
  established(await mallory.federate(OWN, { external: 'never', showsCertificate: false }))

/** A stream over direct TLS, or in clear, on which nothing is proved. */
async function unproved(over: 'tls' | 'clear'): Promise<S2sStream> {
  const stream =
    over === 'tls'
      ? await mallory.connectDirect(world.ports.direct, { servername: OWN })
      : await mallory.connect(world.ports.s2s)
  await stream.open({ from: MALLORY, to: OWN })
  await stream.expect('features')
  return stream
}

describe('who speaks for others', () => {
  const FROM_VICTIM = spoofedMessage(`paris@${VICTIM}`, ROMEO)

  test.for([
    ['another domain', FROM_VICTIM, 'invalid-from'],
    ['a domain below', spoofedMessage(`a@below.${MALLORY}`, ROMEO), 'invalid-from'],
    ['a domain of ours', spoofedMessage(`benvolio@${OWN}`, ROMEO), 'invalid-from'],
    ['two at once', spoofedMessage(`a@${VICTIM}@${MALLORY}`, ROMEO), 'invalid-from'],
    ['one in the resource', spoofedMessage(`${VICTIM}/a@${MALLORY}`, ROMEO), 'invalid-from'],
    ['nobody', spoofedMessage('', ROMEO), 'improper-addressing'],
    ['itself to a domain not asked for', spoofedMessage(`a@${MALLORY}`, `b@${CHAT}`), 'host-unknown'],
  ] as const)('after SASL, from %s: the stream ends', async ([, stanza, condition]) => {
    const stream = await asMallory()
    await stream.write(stanza)
    expect(await stream.error()).toBe(condition)
    nothingSpoofed()
    await othersGetThrough()
  })

  test('SASL as mallory, and a stream header as the victim', async () => {
    const stream = await mallory.connectDirect(world.ports.direct, {
      identity: identityOf(world.authority, MALLORY),
      servername: OWN,
    })
    await stream.open({ from: MALLORY, to: OWN })
    await stream.expect('features')
    await stream.write(`<auth xmlns='${NS.sasl}' mechanism='EXTERNAL'>=</auth>`)
    await stream.expect('success')
    stream.restart()
    await stream.write(spoofedHeader(VICTIM, OWN))
    expect(await stream.error()).toBe('invalid-from')
    await othersGetThrough()
  })

  test('a key for the victim on mallory’s stream: the victim is asked, and denies it', async () => {
    const stream = await byKey()
    await stream.write(dialbackText('result', { from: VICTIM, to: OWN, key: 'f00d' }))
    const answer = await stream.expect('result', { xmlns: NS.dialback })
    // Mallory's own domain keeps the stream (XEP-0220 §2.4.2); the victim's is not on it.
    expect(answer.attrs).toMatchObject({ to: VICTIM, type: 'error' })
    expect(conditionOf(answer)).toBe('forbidden')
    await stream.write(FROM_VICTIM)
    expect(await stream.error()).toBe('invalid-from')
    const asked = await victim.streams.next()
    expect(asked.elements.all.map(String).join()).toContain('verify')
    nothingSpoofed()
    await othersGetThrough()
  })

  test('the same on a stream with nothing to lose: it is over', async () => {
    const stream = await unproved('clear')
    await stream.write(dialbackText('result', { from: VICTIM, to: OWN, key: 'f00d' }))
    // The victim’s row wants TLS.
    expect((await stream.expect('result', { xmlns: NS.dialback })).attrs.type).toBe('error')
    const secured = await unproved('tls')
    await secured.write(dialbackText('result', { from: VICTIM, to: OWN, key: 'f00d' }))
    expect((await secured.expect('result', { xmlns: NS.dialback })).attrs).toMatchObject({
      to: VICTIM,
      type: 'invalid',
    })
    await secured.closed
    await othersGetThrough()
  })

  test('a stanza right behind such a key, and an answer that mallory gives in the victim’s name', async () => {
    const early = await byKey()
    await early.write(dialbackText('result', { from: VICTIM, to: OWN, key: 'f00d' }) + FROM_VICTIM)
    expect(await early.error()).toBe('invalid-from')
    const liar = await byKey()
    const id = liar.headers.all.at(-1)?.id ?? ''
    await liar.write(
      dialbackText('verify', { from: VICTIM, to: OWN, id, type: 'valid' }) +
        dialbackText('result', { from: VICTIM, to: OWN, type: 'valid' }) +
        FROM_VICTIM,
    )
    expect(await liar.error()).toBe('invalid-from')
    nothingSpoofed()
    await othersGetThrough()
  })

  test.for([
    ['in clear', 'clear'],
    ['over TLS', 'tls'],
  ] as const)('a stanza before anything is proved, %s', async ([, over]) => {
    const stream = await unproved(over)
    await stream.write(spoofedMessage(`juliet@${HONEST}`, ROMEO))
    expect(await stream.error()).toBe('not-authorized')
    nothingSpoofed()
    await othersGetThrough()
  })

  test('a stanza on a stream that we opened, and that goes one way', async () => {
    const domain = `oneway.${MALLORY}`
    await using peer = await startGuest(world, { domain })
    await world.romeo.message({ to: `sip:a@${domain}`, body: 'hello' })
    const stream = await peer.streams.next()
    await stream.write(FROM_VICTIM + spoofedMessage(`a@${domain}`, ROMEO))
    expect(await lastErrorOf(stream)).toMatch(/^(invalid-from|not-authorized)$/)
    nothingSpoofed()
    await othersGetThrough()
  })
})

describe('TLS', () => {
  test('octets behind <starttls/> in clear are not read after the handshake', async () => {
    const before = (await countersOf(world))['s2s.suspicious.octets-before-tls'] ?? 0
    const stream = await unproved('clear')
    await stream.write(
      `<starttls xmlns='${NS.tls}'/>${headerText({ from: HONEST, to: OWN })}${spoofedMessage(`juliet@${HONEST}`, ROMEO)}`,
    )
    await stream.closed
    expect((await countersOf(world))['s2s.suspicious.octets-before-tls']).toBe(before + 1)
    nothingSpoofed()
    await othersGetThrough()
  })

  test('octets behind <proceed/> in clear, from a server that we ask for TLS', async () => {
    const domain = `injects.${MALLORY}`
    const before = (await countersOf(world))['s2s.suspicious.octets-before-tls'] ?? 0
    await using peer = await startGuest(world, { domain, receiving: 'by hand' })
    const sending = world.romeo.message({ to: `sip:a@${domain}`, body: 'hello' })
    const stream = await peer.streams.next()
    await stream.header()
    await stream.open({ from: domain, to: OWN, id: 'one' })
    await stream.write(`<stream:features><starttls xmlns='${NS.tls}'/></stream:features>`)
    await stream.expect('starttls')
    await stream.write(
      `<proceed xmlns='${NS.tls}'/>${headerText({ from: domain, to: OWN, id: 'two' })}<stream:features/>`,
    )
    await stream.closed
    expect((await sending).status).toBe(504)
    expect((await countersOf(world))['s2s.suspicious.octets-before-tls']).toBe(before + 1)
    await othersGetThrough()
  })

  test('renegotiation is refused', async () => {
    const stream = await mallory.connectDirect(world.ports.direct, {
      identity: identityOf(world.authority, MALLORY),
      servername: OWN,
      maxVersion: 'TLSv1.2',
    })
    await stream.open({ from: MALLORY, to: OWN })
    await stream.expect('features')
    expect(await stream.renegotiate()).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' })
    stream.destroy()
    await othersGetThrough()
  })
})

describe('what is large', () => {
  test.for([
    ['entities of entities, instead of a header', entityBomb(), 'restricted-xml'],
    [
      'elements within each other',
      headerText({ from: MALLORY, to: OWN }) + deepMessage(1_000_000),
      undefined,
    ],
    ['attributes', headerText({ from: MALLORY, to: OWN }) + wideTag(500_000), undefined],
  ] as const)('from a stranger: %s', async ([, bomb, condition]) => {
    const { megabytes } = await mostDuring(world.gateway.pid, async () => {
      for (let at = 0; at < 10; at += 1) {
        const stream = await mallory.connect(world.ports.s2s)
        await stream.write(bomb).catch(() => {})
        await stream.closed
        const error = await lastErrorOf(stream)
        // A peer that writes on when it was refused may lose our words with the connection.
        if (condition !== undefined) expect(error).toBe(condition)
        else expect([undefined, 'policy-violation']).toContain(error)
      }
    })
    expect(megabytes).toBeLessThan(BOUND)
    await othersGetThrough()
  })

  test.for([
    ['elements within each other', deepMessage(6_000_000)],
    ['attributes', wideTag(2_000_000)],
    ['a stanza of 32 MB', hugeMessage(32_000_000, `a@${MALLORY}`, ROMEO)],
  ] as const)('on a stream that is proved, and is then no more: %s', async ([, bomb]) => {
    const heard = world.romeo.messages.all.length
    const { megabytes } = await mostDuring(world.gateway.pid, async () => {
      const streams = await Promise.all(Array.from({ length: 4 }, asMallory))
      await Promise.all(
        streams.map(async (stream) => {
          await stream.write(bomb).catch(() => {})
          await stream.closed
        }),
      )
    })
    expect(megabytes).toBeLessThan(BOUND)
    expect(world.romeo.messages.all.length).toBe(heard)
    await othersGetThrough()
  })

  test('a stanza beyond the limit is refused, and the stream goes on', async () => {
    const stream = await asMallory()
    await stream.write(hugeMessage(1_500_000, `a@${MALLORY}`, ROMEO))
    const error = await mallory.stanzas.next((stanza) => stanza.attrs.type === 'error')
    expect(error.attrs).toMatchObject({ from: ROMEO, to: `a@${MALLORY}` })
    await stream.write(messageXml(`a@${MALLORY}`, ROMEO, 'a short one'))
    await world.romeo.messages.next(({ body }) => body === 'a short one')
    await othersGetThrough()
  })
})

describe('who takes long', () => {
  test('headers and TLS handshakes, octet by octet: each has the time for set-up, and no more', async () => {
    const hello = Buffer.from('1603010200010001fc0303', 'hex').toString('latin1')
    const text = headerText({ from: MALLORY, to: OWN })
    const since = Date.now()
    const dripping = Array.from({ length: 40 }, async (_, at) => {
      const tls = at % 2 === 0
      const stream = await mallory.connect(tls ? world.ports.direct : world.ports.s2s)
      void stream.drip(tls ? hello : text, 1, tls ? 800 : 100)
      await stream.closed
    })
    await othersGetThrough()
    await Promise.all(dripping)
    const took = Date.now() - since
    expect(took).toBeGreaterThanOrEqual(SET_UP - 100)
    expect(took).toBeLessThan(SET_UP + 10_000)
  })

  test.for([
    ['nothing', '', 's2s'],
    ['a header', headerText({ from: MALLORY, to: OWN }), 's2s'],
    ['nothing, where TLS is due', '', 'direct'],
  ] as const)('a thousand connections that say %s', async ([, says, port]) => {
    const { megabytes, files } = await mostDuring(world.gateway.pid, async () => {
      await using held = await halfOpen(world.ports[port], 1_000, says, (at) => `127.0.1.${1 + (at % 20)}`)
      // As many strangers as may be there, and not more.
      await expect.poll(() => held.open()).toBeLessThanOrEqual(500)
      await othersGetThrough()
      await held.fewerThan(1, SET_UP + 20_000)
    })
    expect(files).toBeLessThan(600)
    expect(megabytes).toBeLessThan(BOUND)
  })

  test('all of them from one address take nobody else’s place', async () => {
    await using held = await halfOpen(world.ports.s2s, 300, '', () => ELSEWHERE)
    await expect.poll(() => held.open()).toBeLessThanOrEqual(100)
    await othersGetThrough()
  })

  test('a peer that asks and does not read is cut off', async () => {
    const { megabytes } = await mostDuring(world.gateway.pid, async () => {
      const stream = await asMallory()
      stream.pause()
      const verify = dialbackText('verify', { from: MALLORY, to: OWN, id: 'x', key: 'f00d' })
      for (let at = 0; at < 50; at += 1) await stream.write(verify.repeat(1_000)).catch(() => {})
      stream.resume()
      await stream.closed
    })
    expect(megabytes).toBeLessThan(BOUND)
    await othersGetThrough()
  })
})

describe('we are nobody’s amplifier', () => {
  const victims = (at: number): string => `v${at}.victims.example`
  const questions = (about: string): number =>
    world.dns.queries.filter(({ name }) => name.includes(about)).length

  test('thousands of keys in the names of third parties: few are asked, whatever the number of streams', async () => {
    await using sink = await startGuest(world, {
      domain: 'sink.example',
      receiving: 'by hand',
      published: 'nowhere',
    })
    for (let at = 0; at < 3_000; at += 1) publish(world, victims(at), { port: sink.port })
    const since = Date.now()
    const { megabytes } = await mostDuring(world.gateway.pid, async () => {
      const streams = await Promise.all(
        Array.from({ length: 30 }, async (_, which) => {
          const stream = await mallory.connect(world.ports.s2s, ELSEWHERE)
          await stream.open({ from: victims(which * 100), to: OWN })
          await stream.expect('features')
          await stream.write(keysFor(OWN, 100, (at) => victims(which * 100 + at)))
          return stream
        }),
      )
      await othersGetThrough()
      // Others are verified all the same.
      const domain = `dials.${HONEST}`
      await using dials = await startGuest(world, { domain })
      established(await dials.federate(OWN, { external: 'never', showsCertificate: false }))
      await Promise.all(streams.map(({ closed }) => closed))
    })
    const seconds = (Date.now() - since) / 1000
    // Fifty at once and one a second (`receiver.ts`), for 3,000 keys of one network; each asks DNS for SRV twice and for an address.
    const most = 50 + Math.ceil(seconds)
    expect(sink.streams.all.length).toBeLessThanOrEqual(most)
    expect(sink.streams.all.length).toBeGreaterThan(0)
    expect(questions('victims.example')).toBeLessThanOrEqual(most * 4)
    expect(megabytes).toBeLessThan(BOUND)
  })

  test('keys for domains that no row knows ask nobody', async () => {
    const stream = await byKey()
    await stream.write(keysFor(OWN, 50, (at) => `u${at}.unknown.example`))
    await stream.write(messageXml(`a@${MALLORY}`, ROMEO, 'behind the keys')).catch(() => {})
    await stream.elements.next(({ attrs }) => attrs.to === 'u0.unknown.example')
    expect(questions('unknown.example')).toBe(0)
    await othersGetThrough()
  })

  test('a domain that refuses connections is left alone for a while', async () => {
    const domain = `dead.${MALLORY}`
    publish(world, domain, { port: await freePort() })
    const failed = async (): Promise<number> => (await countersOf(world))['s2s.failed.out'] ?? 0
    const before = await failed()
    const statuses = new Set<number>()
    for (let at = 0; at < 20; at += 1)
      statuses.add((await world.romeo.message({ to: `sip:a@${domain}`, body: 'hello' })).status)
    expect([...statuses]).toEqual([504])
    // By default it is left alone for five seconds, then for twice as long.
    expect((await failed()) - before).toBeLessThanOrEqual(3)
    expect(questions(domain)).toBeLessThanOrEqual(4)
    await othersGetThrough()
  })

  test('a domain that names thirty servers has ten of them looked up', async () => {
    const domain = `many.${MALLORY}`
    const port = await freePort()
    const targets = Array.from({ length: 30 }, (_, at) => `t${at}.${domain}`)
    world.dns.set(`_xmpp-server._tcp.${domain}`, { SRV: targets.map((target) => ({ port, target })) })
    for (const target of targets) world.dns.set(target, { A: ['127.0.0.1'] })
    expect((await world.romeo.message({ to: `sip:a@${domain}`, body: 'hello' })).status).toBe(504)
    // SRV of both kinds, one of them again over TCP since it is long, and two families of ten.
    expect(questions(domain)).toBeLessThanOrEqual(23)
    await othersGetThrough()
  })

  test('a domain that lets us in and leaves at once, again and again, is left alone too', async () => {
    const domain = `leaves.${MALLORY}`
    await using peer = await startGuest(world, { domain })
    for (let at = 0; at < 20; at += 1) {
      await world.romeo.message({ to: `sip:a@${domain}`, body: 'hello' })
      for (const stream of peer.streams.all) stream.destroy()
      await Promise.all(peer.streams.all.map(({ closed }) => closed))
    }
    expect(peer.streams.all.length).toBeLessThanOrEqual(4)
    await othersGetThrough()
  })
})
