import { describe, expect, test } from 'vitest'
import { Authority, type Issued, selfSigned, type Wish } from '../../support/certificates.ts'
import { answerText, header, outcomes, outgoing, requestText, tcpServer, until } from './bed.ts'
import { credentials, OURS, ROOT, THEIRS, tlsBed, tlsPeer, tlsServer } from './tls-bed.ts'

const via = (branch: string, rest = '') => `SIP/2.0/TLS theirs.example:5061;branch=${branch}${rest}`
const between = new Authority('Between', ROOT)
const stranger = new Authority('Stranger')

describe('a peer that connects', () => {
  test('is known by what its certificate proves, and gets its answer', async () => {
    const { incoming, tls } = await tlsBed()
    const peer = await tlsPeer(tls)
    peer.socket.write(requestText(5061, { via: via('z9hG4bKa') }))
    await until(() => peer.text().startsWith('SIP/2.0 200'))
    expect(incoming[0]?.source).toMatchObject({
      transport: 'tls',
      address: '127.0.0.1',
      listener: 'in-tls',
      side: 'outside',
      identity: ['theirs.example'],
    })
  })

  test.for<readonly [string, Issued | 'nothing', readonly string[] | undefined, string | undefined]>([
    ['without a certificate', 'nothing', undefined, undefined],
    ['over an authority in between', between.issue({ dns: ['a.example'] }), ['a.example'], undefined],
    ['for servers only', ROOT.issue({ dns: ['a.example'], purposes: ['server'] }), ['a.example'], undefined],
    ['a wildcard', ROOT.issue({ dns: ['*.theirs.example'] }), [], undefined],
    ['that names a person', ROOT.issue({ uri: ['sip:me@theirs.example'] }), [], undefined],
    ['self-signed in a victim’s name', self({}), undefined, 'self-signed'],
    ['likewise for servers only', self({ purposes: ['server'] }), undefined, 'self-signed'],
    [
      'of an authority that nobody knows',
      stranger.issue({ dns: ['theirs.example'] }),
      undefined,
      'unknown-issuer',
    ],
    ['expired', ROOT.issue({ dns: ['theirs.example'], until: -1000 }), undefined, 'expired'],
    [
      'for something else',
      ROOT.issue({ dns: ['theirs.example'], purposes: ['code'] }),
      undefined,
      'wrong-purpose',
    ],
  ])('%s', async ([, shown, identity, reason]) => {
    const { endpoint, incoming, events, tls } = await tlsBed()
    const peer = await tlsPeer(tls, shown)
    peer.socket.write(requestText(5061, { via: via('z9hG4bKa') }))
    await until(() => incoming.length === 1)
    expect(incoming[0]?.source.identity).toEqual(identity)
    expect(endpoint.stats().peersUnproved).toBe(reason === undefined ? 0 : 1)
    expect(
      events.flatMap((each) => (each.kind === 'peer-unproved' ? [each.reason.split(' ')[0]] : [])),
    ).toEqual(reason === undefined ? [] : [reason])
  })

  test.for<readonly [string, Issued | 'nothing', boolean]>([
    ['with none', 'nothing', false],
    ['with a bad one', self({}), false],
    ['with a good one', THEIRS, true],
  ])('where a certificate is demanded, %s', async ([, shown, stays]) => {
    const { endpoint, incoming, tls } = await tlsBed({ demand: true })
    const peer = await tlsPeer(tls, shown)
    peer.socket.write(requestText(5061, { via: via('z9hG4bKa') }))
    await until(() => (stays ? incoming.length === 1 : peer.closed()))
    expect([peer.closed(), incoming.length]).toEqual(stays ? [false, 1] : [true, 0])
    expect(endpoint.stats().peersUnproved).toBe(stays ? 0 : 1)
  })
})

describe('a server that we connect to', () => {
  const names = ['theirs.example']
  const hop = (port: number, others: object = {}) =>
    ({ transport: 'tls', address: '127.0.0.1', port, names, ...others }) as const

  test('is asked for by name, sees our certificate, and gets the request', async () => {
    const { endpoint } = await tlsBed()
    const subjects: string[] = []
    let text = ''
    const server = await tlsServer(THEIRS, ({ socket }) => {
      subjects.push(String(socket.getPeerCertificate().subject.CN))
      socket.on('data', (chunk) => {
        text += chunk
        socket.write(answerText(text, 200))
      })
    })
    const { list, on } = outcomes()
    endpoint.send(outgoing(), hop(server.port), on)
    await until(() => list.length === 1)
    expect(list[0]).toMatchObject({ kind: 'response' })
    expect(header(text, 'Via')).toMatch(/^SIP\/2\.0\/TLS 127\.0\.0\.1:\d+;branch=z9hG4bK[^;]+;rport;alias$/)
    expect(subjects).toEqual(['ours'])
    expect(server.asked).toEqual(['theirs.example'])
  })

  test.for<readonly [string, Issued, string]>([
    [
      'has another name',
      ROOT.issue({ dns: ['other.example'] }),
      'the certificate is for other.example, not for theirs.example',
    ],
    [
      'has a wildcard',
      ROOT.issue({ dns: ['*.example'] }),
      'the certificate is for no domain, not for theirs.example',
    ],
    ['has signed its own', self({}), 'the certificate is not trusted: self-signed (CN=theirs.example)'],
    ['is unknown', stranger.issue({ dns: names }), 'the certificate is not trusted: unknown-issuer ()'],
    [
      'is too late',
      ROOT.issue({ commonName: 'late', dns: names, until: -1000 }),
      'the certificate is not trusted: expired (CN=late)',
    ],
    [
      'is a client',
      ROOT.issue({ commonName: 'c', dns: names, purposes: ['client'] }),
      'the certificate is not trusted: wrong-purpose (CN=c)',
    ],
  ])('gets nothing where it %s', async ([, shown, reason]) => {
    const { endpoint } = await tlsBed()
    let octets = 0
    const server = await tlsServer(shown, ({ socket }) => {
      socket.on('data', (chunk) => {
        octets += chunk.length
      })
    })
    const { list, on } = outcomes()
    endpoint.send(outgoing(), hop(server.port), on)
    await until(() => list.length === 1 && server.gone() === 1)
    expect(list).toEqual([{ kind: 'transport-failure', reason }])
    expect(octets).toBe(0)
    expect(endpoint.stats().connections).toBe(0)
  })

  test('any of the names will do', async () => {
    const { endpoint } = await tlsBed()
    const peers: unknown[] = []
    const server = await tlsServer(THEIRS, (peer) => peers.push(peer))
    endpoint.send(outgoing(), hop(server.port, { names: ['edge.example', ...names] }), outcomes().on)
    await until(() => peers.length === 1)
    expect(server.asked).toEqual(['edge.example'])
  })

  test('without a name to expect nothing is sent', async () => {
    const { endpoint } = await tlsBed()
    const { list, on } = outcomes()
    endpoint.send(outgoing(), hop(5061, { names: [] }), on)
    endpoint.send(outgoing(), hop(5061, { names: undefined }), on)
    await until(() => list.length === 2)
    const reason = 'no name that the certificate must prove'
    expect(list).toEqual(Array.from({ length: 2 }, () => ({ kind: 'transport-failure', reason })))
  })

  test('that never shakes hands is given up', async () => {
    const { endpoint } = await tlsBed({}, { limits: { connect: 50 } })
    const silent = await tcpServer(() => {})
    const { list, on } = outcomes()
    endpoint.send(outgoing(), hop(silent.port), on)
    await until(() => list.length === 1)
    expect(list).toEqual([{ kind: 'transport-failure', reason: 'connect timeout' }])
  })
})

describe('the answer to a peer whose connection is gone (RFC 3261 §18.2.2)', () => {
  const ask = async (shows: Issued | 'nothing', serves: Issued) => {
    const made = await tlsBed({}, { onRequest: () => {} })
    const texts: string[] = []
    const server = await tlsServer(serves, ({ socket }) => {
      socket.on('data', (chunk) => texts.push(String(chunk)))
    })
    const peer = await tlsPeer(made.tls, shows)
    peer.socket.write(requestText(0, { via: `SIP/2.0/TLS theirs.example:${server.port};branch=z9hG4bKgone` }))
    await until(() => made.incoming.length === 1)
    peer.socket.destroy()
    await until(() => made.endpoint.stats().connections === 0)
    made.incoming[0]?.respond(200)
    return { ...made, server, texts }
  }

  test('goes to whom its certificate names', async () => {
    const { texts } = await ask(THEIRS, THEIRS)
    await until(() => texts.some((text) => text.startsWith('SIP/2.0 200')))
  })

  test('and to nobody else who is there now', async () => {
    const { events, server, texts } = await ask(THEIRS, ROOT.issue({ dns: ['other.example'] }))
    await until(() => server.gone() === 1)
    expect(texts).toEqual([])
    expect(events.at(-1)).toMatchObject({
      reason: 'the certificate is for other.example, not for theirs.example',
    })
  })

  test('and nowhere if it had none', async () => {
    const { events, endpoint } = await ask('nothing', THEIRS)
    await until(() => endpoint.stats().responsesFailed === 1)
    expect(events.at(-1)).toMatchObject({ kind: 'response-failed', reason: 'no way back' })
  })
})

test('a peer that leaves the judging to OpenSSL believes us, and we it', async () => {
  const { incoming, tls } = await tlsBed({ demand: true })
  const strict = { ca: ROOT.pem, rejectUnauthorized: true, servername: 'ours.example' }
  const peer = await tlsPeer(tls, between.issue({ dns: ['theirs.example'] }), strict)
  expect(peer.socket.authorized).toBe(true)
  peer.socket.write(requestText(5061, { via: via('z9hG4bKa') }))
  await until(() => incoming.length === 1)
})

test('two endpoints speak to each other over mutual TLS', async () => {
  const theirs = await tlsBed({ credentials: credentials({ theirs: THEIRS }) })
  const ours = await tlsBed()
  const { list, on } = outcomes()
  const hop = { transport: 'tls', address: '127.0.0.1', port: theirs.tls, names: ['theirs.example'] } as const
  ours.endpoint.send(outgoing(), hop, on)
  await until(() => list.length === 1)
  expect(theirs.incoming[0]?.source.identity).toEqual(['ours.example'])
  expect(list[0]).toMatchObject({ kind: 'response' })
})

test('the certificate is chosen by SNI: exactly that name, else the first', async () => {
  const second = ROOT.issue({ commonName: 'second', dns: ['second.example', '*.wild.example'] })
  const { tls } = await tlsBed({ credentials: credentials({ ours: OURS, second }) })
  const shown = async (servername: string) => {
    const { socket } = await tlsPeer(tls, THEIRS, { servername })
    return socket.getPeerCertificate().subject.CN
  }
  expect(await shown('second.example')).toBe('second')
  expect(await shown('SECOND.example')).toBe('second')
  expect(await shown('ours.example')).toBe('ours')
  expect(await shown('a.wild.example')).toBe('ours')
  expect(await shown('other.example')).toBe('ours')
  expect(await shown('')).toBe('ours')
})

test('a listener shows only its own certificates', async () => {
  const second = ROOT.issue({ commonName: 'second', dns: ['second.example'] })
  const third = ROOT.issue({ commonName: 'third', dns: ['third.example'] })
  const { tls } = await tlsBed({
    credentials: credentials({ ours: OURS, second, third }),
    certificates: ['second', 'third'],
  })
  const shown = async (servername: string) => {
    const { socket } = await tlsPeer(tls, THEIRS, { servername })
    return socket.getPeerCertificate().subject.CN
  }
  expect([await shown('ours.example'), await shown('third.example')]).toEqual(['second', 'third'])
})

function self(wish: Wish): Issued {
  return selfSigned({ commonName: 'theirs.example', dns: ['theirs.example'], ...wish })
}
