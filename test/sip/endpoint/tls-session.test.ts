import { once } from 'node:events'
import { connect } from 'node:tls'
import { expect, test } from 'vitest'
import { Credentials } from '../../../src/net/tls/credentials.ts'
import { Authority } from '../../support/certificates.ts'
import { outcomes, outgoing, requestText, tcpPeer, until } from './bed.ts'
import { credentials, material, OURS, ROOT, THEIRS, tlsBed, tlsPeer, tlsServer } from './tls-bed.ts'

const via = (branch: string) => `SIP/2.0/TLS theirs.example;branch=z9hG4bK${branch}`
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

test.for(VERSIONS)('a session is not resumed: it would come without its chain (%s)', async (version) => {
  const { events, incoming, tls } = await tlsBed()
  const first = await tlsPeer(tls, THEIRS, { minVersion: version, maxVersion: version })
  let session = first.socket.getSession()
  first.socket.on('session', (later) => {
    session = later
  })
  first.socket.write(requestText(0, { via: via('first') }))
  await until(() => first.text().includes('SIP/2.0 200'))
  first.socket.destroy()
  // The second time without a certificate: whoever resumes would need none.
  const again = await tlsPeer(tls, 'nothing', {
    minVersion: version,
    maxVersion: version,
    ...(session === undefined ? {} : { session }),
  })
  again.socket.write(requestText(0, { via: via('again') }))
  await until(() => incoming.length === 2)
  expect(again.socket.isSessionReused()).toBe(false)
  expect(incoming.map(({ source }) => source.identity)).toEqual([['theirs.example'], undefined])
  expect(events.filter(({ kind }) => kind === 'peer-unproved')).toEqual([])
})

test('a peer cannot negotiate anew, and so cannot change its certificate', async () => {
  const { incoming, tls } = await tlsBed()
  const peer = await tlsPeer(tls, THEIRS, { maxVersion: 'TLSv1.2' })
  peer.socket.write(requestText(0, { via: via('before') }))
  await until(() => incoming.length === 1)
  const failed = new Promise<unknown>((resolve) => {
    peer.socket.on('error', resolve)
    peer.socket.on('close', () => resolve('closed'))
    peer.socket.renegotiate({ rejectUnauthorized: false }, (error) => resolve(error ?? undefined))
  })
  expect(await failed).toBeDefined()
})

test.for([
  ['TLSv1.1', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
  ['TLSv1', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
] as const)('%s is refused, in and out', async ([version, code]) => {
  const { endpoint, tls } = await tlsBed()
  const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' } as const
  const client = connect({ port: tls, host: '127.0.0.1', rejectUnauthorized: false, ...old })
  const [error] = await once(client, 'error')
  expect(error).toMatchObject({ code })

  const server = await tlsServer(THEIRS, () => {}, old)
  const { list, on } = outcomes()
  const names = ['theirs.example']
  endpoint.send(outgoing(), { transport: 'tls', address: '127.0.0.1', port: server.port, names }, on)
  await until(() => list.length === 1)
  expect(list).toMatchObject([{ kind: 'transport-failure', reason: expect.stringMatching(/^ERR_SSL_/) }])
})

test('a cipher without an ephemeral key is refused', async () => {
  const { tls } = await tlsBed()
  const weak = { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' } as const
  const client = connect({ port: tls, host: '127.0.0.1', rejectUnauthorized: false, ...weak })
  await once(client, 'error')
})

test('certificates are replaced while connections live on', async () => {
  const held = credentials()
  const { incoming, tls } = await tlsBed({ credentials: held })
  const subject = ({ socket }: Awaited<ReturnType<typeof tlsPeer>>) => socket.getPeerCertificate().subject.CN
  const before = await tlsPeer(tls)
  const renewed = ROOT.issue({ commonName: 'renewed', dns: ['ours.example'] })
  held.replace(material({ ours: renewed }))
  const after = await tlsPeer(tls)
  const named = await tlsPeer(tls, THEIRS, { servername: 'ours.example' })
  expect([before, after, named].map(subject)).toEqual(['ours', 'renewed', 'renewed'])
  before.socket.write(requestText(0, { via: via('old') }))
  after.socket.write(requestText(0, { via: via('new') }))
  await until(() => incoming.length === 2)
  expect(before.closed()).toBe(false)
})

test('authorities are replaced too: whoever connects from then on is judged by the new ones', async () => {
  const held = credentials()
  const { incoming, tls } = await tlsBed({ credentials: held })
  const other = new Authority('Other')
  held.replace(material({ ours: OURS }, [other.pem]))
  const theirs = await tlsPeer(tls)
  theirs.socket.write(requestText(0, { via: via('theirs') }))
  const known = await tlsPeer(tls, other.issue({ dns: ['other.example'] }))
  known.socket.write(requestText(0, { via: via('known') }))
  await until(() => incoming.length === 2)
  const identities = new Map(
    incoming.map(({ request, source }) => [request.headers.get('Via'), source.identity]),
  )
  expect(identities.get(via('theirs'))).toBeUndefined()
  expect(identities.get(via('known'))).toEqual(['other.example'])
})

test('what cannot be used is not taken, and the old ones stay', async () => {
  const held = credentials()
  const { tls } = await tlsBed({ credentials: held })
  const broken = { ...OURS, key: THEIRS.key }
  expect(() => held.replace(material({ ours: broken }))).toThrow()
  expect((await tlsPeer(tls)).socket.getPeerCertificate().subject.CN).toBe('ours')
  expect(() => new Credentials(material({ ours: broken }))).toThrow()
})

test('a listener whose certificate is gone after a replacement closes who comes, and nothing else', async () => {
  const held = credentials()
  const { endpoint, events, tls } = await tlsBed({ credentials: held, certificates: ['ours'] })
  held.replace(material({ other: THEIRS }))
  const peer = await tcpPeer(tls)
  await until(() => peer.closed())
  expect(events).toMatchObject([{ kind: 'peer-unproved', reason: 'no certificate to show' }])
  expect(endpoint.stats().connections).toBe(0)
})
