import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { Credentials } from '../../../src/net/tls/credentials.ts'
import type { Greeting } from '../../../src/xmpp/s2s/place.ts'
import { OCTETS_BEFORE_TLS, type Secured, Wire } from '../../../src/xmpp/s2s/wire.ts'
import type { Element } from '../../../src/xmpp/xml/element.ts'
import { DEFAULT_XML_LIMITS } from '../../../src/xmpp/xml/limits.ts'
import { patientClock, until } from '../../support/patient-clock.ts'
import { FORGED, OWN, PEER, ROOT, THEIRS, trusting } from './incoming-bed.ts'
import { domain } from './support.ts'

const HEADER = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>"

interface End {
  readonly wire: Wire
  readonly socket: Socket
  readonly said: string[]
  readonly secured: Secured[]
  /** What happens when the element of that name comes, within its handler. */
  on: (name: string) => void
}

function endOf(socket: Socket, credentials: Credentials, outgoingBytes = 1_000_000): End {
  const said: string[] = []
  const secured: Secured[] = []
  const wire: Wire = new Wire(socket, {
    events: {
      header: () => said.push('header'),
      element: (element: Element) => {
        said.push(element.name)
        end.on(element.name)
      },
      badStanza: () => said.push('bad'),
      ended: () => said.push('ended'),
      unreadable: ({ condition }) => said.push(condition),
      secured: (what) => {
        secured.push(what)
        said.push('secured')
      },
      closed: (reason) => said.push(`closed: ${reason}`),
    },
    xml: DEFAULT_XML_LIMITS,
    outgoingBytes,
    credentials,
    clock: patientClock,
  })
  const end: End = { wire, socket, said, secured, on: () => {} }
  onTestFinished(() => wire.destroy('over'))
  return end
}

/** Two sockets that are connected; the second one was accepted. */
async function pair(): Promise<readonly [Socket, Socket]> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [accepted] = (await once(server, 'connection')) as [Socket]
  server.close()
  onTestFinished(() => {
    client.destroy()
    accepted.destroy()
  })
  return [client, accepted]
}

const theirs = (): Credentials => trusting({ theirs: PEER })
const greeting: Greeting = { servername: domain(OWN) }
const client = { kind: 'client', greeting, as: THEIRS } as const
const server = { kind: 'server', as: OWN, direct: false } as const

test('STARTTLS between two wires: both know the other, and the stream begins anew', async () => {
  const [near, far] = await pair()
  const initiating = endOf(near, theirs())
  const receiving = endOf(far, trusting())
  receiving.on = (name) => {
    if (name !== 'starttls') return
    receiving.wire.write('<proceed/>')
    receiving.wire.startTls(server)
  }
  initiating.on = (name) => {
    if (name === 'proceed') initiating.wire.startTls(client)
  }
  initiating.wire.write(`${HEADER}<starttls/>`)
  receiving.wire.write(HEADER)
  await until(() => initiating.secured.length === 1 && receiving.secured.length === 1)
  for (const { secured } of [initiating, receiving]) {
    expect(secured[0]).toMatchObject({ protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' })
    expect(secured[0]?.names.ok).toBe(true)
  }
  expect(receiving.secured[0]?.names).toMatchObject({ value: { alternatives: { dns: [THEIRS] } } })
  initiating.wire.write(`${HEADER}<hello/>`)
  await until(() => receiving.said.includes('hello'))
  expect(receiving.said).toEqual(['header', 'starttls', 'secured', 'header', 'hello'])
})

test.for(['client', 'server'] as const)(
  'octets in clear behind the start of TLS: as %s we read none of them, and cut off',
  async (role) => {
    const [near, far] = await pair()
    const end = endOf(far, trusting())
    end.on = () => end.wire.startTls(role === 'client' ? client : server)
    near.write(`${HEADER}<go/><message/>`)
    await until(() => end.said.length === 3)
    expect(end.said).toEqual(['header', 'go', `closed: ${OCTETS_BEFORE_TLS}`])
  },
)

test.for(['client', 'server'] as const)(
  'octets in clear where TLS should begin: as %s we read none of them',
  async (role) => {
    const [near, far] = await pair()
    const end = endOf(far, trusting())
    end.on = () => end.wire.startTls(role === 'client' ? client : server)
    near.write(`${HEADER}<go/>`)
    await until(() => end.said.includes('go'))
    near.write('<message/><message/>')
    await until(() => end.said.length === 3)
    expect(end.said[2]).toMatch(/^closed: TLS: /)
  },
)

test.for([
  ['by an authority, for servers alone', PEER, undefined],
  ['signed by itself, with the name of a victim', FORGED, 'self-signed'],
  ['for code', ROOT.issue({ commonName: THEIRS, dns: [THEIRS], purposes: ['code'] }), 'wrong-purpose'],
] as const)('what the client shows is judged by us: %s', async ([, shown, reason]) => {
  const [near, far] = await pair()
  const receiving = endOf(far, trusting())
  const initiating = endOf(near, trusting({ shown }))
  receiving.wire.startTls({ ...server, direct: true })
  initiating.wire.startTls(client)
  await until(() => receiving.secured.length === 1)
  const names = receiving.secured[0]?.names
  expect(names?.ok).toBe(reason === undefined)
  if (names?.ok === false) expect(names.error.reason).toBe(reason)
})

test.for([
  ['asked for by SNI', 'chat.montague.example', 'chat.montague.example'],
  ['of the stream, where SNI asks for something else', 'xmpp.host.example', OWN],
] as const)('the certificate %s is shown', async ([, servername, shown]) => {
  const [near, far] = await pair()
  const chat = ROOT.issue({ commonName: 'chat', dns: ['chat.montague.example'] })
  const own = ROOT.issue({ commonName: 'own', dns: [OWN] })
  const elsewhere = ROOT.issue({ commonName: 'verona', dns: ['verona.example'] })
  const receiving = endOf(far, trusting({ elsewhere, chat, own }))
  const initiating = endOf(near, theirs())
  receiving.wire.startTls({ kind: 'server', as: OWN, direct: false })
  initiating.wire.startTls({ ...client, greeting: { servername: domain(servername) } })
  await until(() => initiating.secured.length === 1)
  const names = initiating.secured[0]?.names
  expect(names?.ok && names.value.alternatives?.dns).toEqual([shown])
})

test('a certificate with a wildcard is shown to who asks by SNI for a name below it (RFC 6125 §6.4.3)', async () => {
  const [near, far] = await pair()
  const elsewhere = ROOT.issue({ commonName: 'verona', dns: ['verona.example'] })
  const wild = ROOT.issue({ commonName: 'wild', dns: [`*.${OWN}`] })
  const receiving = endOf(far, trusting({ elsewhere, wild }))
  const initiating = endOf(near, theirs())
  receiving.wire.startTls({ kind: 'server', as: undefined, direct: true })
  initiating.wire.startTls({ ...client, greeting: { servername: domain(`chat.${OWN}`) } })
  await until(() => initiating.secured.length === 1)
  const names = initiating.secured[0]?.names
  expect(names?.ok && names.value.alternatives?.dns).toEqual([`*.${OWN}`])
})

test('what is written within one turn leaves in one piece, and nothing beyond the limit is taken', async () => {
  const [near, far] = await pair()
  const pieces: string[] = []
  near.on('data', (chunk) => pieces.push(chunk.toString()))
  const { wire } = endOf(far, trusting(), 10)
  expect(wire.write('<one/>')).toBe(true)
  expect(wire.write('<two/>')).toBe(true)
  expect(wire.write('<three/>')).toBe(false)
  await until(() => pieces.length > 0)
  expect(pieces).toEqual(['<one/><two/>'])
  expect(wire.stats()).toEqual({ bytesIn: 0, bytesOut: 12 })
  expect(wire.write('<three/>')).toBe(true)
})

test('behind the element that begins a new stream nothing of its chunk is read', async () => {
  const [near, far] = await pair()
  const end = endOf(far, trusting())
  end.on = () => end.wire.restart()
  near.write(`${HEADER}<auth/><message/>`)
  await until(() => end.said.includes('auth'))
  near.write(HEADER)
  await until(() => end.said.length === 3)
  expect(end.said).toEqual(['header', 'auth', 'header'])
})

test('the end: what was written leaves, then the last words; a peer that does not go is cut off', async () => {
  const [near, far] = await pair()
  let text = ''
  near.on('data', (chunk) => {
    text += chunk
  })
  near.allowHalfOpen = true
  const { wire, said } = endOf(far, trusting())
  wire.write('<one/>')
  wire.end('</stream:stream>', 'idle')
  expect(wire.open).toBe(false)
  expect(wire.write('<two/>')).toBe(false)
  await until(() => said.length === 1)
  expect(said).toEqual(['closed: idle'])
  expect(text).toBe('<one/></stream:stream>')
})

test('a connection that breaks tells why, once', async () => {
  const [near, far] = await pair()
  const { wire, said } = endOf(far, trusting())
  near.resetAndDestroy()
  await until(() => said.length > 0)
  wire.destroy('later')
  expect(said).toEqual(['closed: ECONNRESET'])
})
