import { describe, expect, test } from 'vitest'
import { Authority } from './certificates.ts'
import { identityOf } from './identity.ts'
import {
  type Expected,
  INVALID_ROWS,
  identityOfKind,
  MATRIX,
  PEER_KINDS,
  type PeerName,
  peerOfRow,
  settingsOf,
} from './s2s-matrix.ts'
import { OLD_INITIATING, OLD_RECEIVING, oldMessage } from './s2s-old-peer.ts'
import { type S2sPeer, startS2sPeer } from './s2s-peer.ts'
import type { Initiating, Outcome, Receiving } from './s2s-roles.ts'
import { dialbackKey, dialbackText, featuresIn, NS } from './s2s-words.ts'

const authority = new Authority('Test authority')
const MONTAGUE = identityOf(authority, 'montague.example')
const CAPULET = identityOf(authority, 'capulet.example')

interface Pair {
  readonly montague: S2sPeer
  readonly capulet: S2sPeer
}

/** Montague opens, Capulet takes. */
async function paired(
  receiving: Receiving | undefined,
  scene: (pair: Pair) => Promise<void>,
  identities: { montague?: typeof MONTAGUE | undefined; capulet?: typeof CAPULET | undefined } = {
    montague: MONTAGUE,
    capulet: CAPULET,
  },
): Promise<void> {
  const { montague: own, capulet: other } = identities
  await using montague = await startS2sPeer({
    domain: 'montague.example',
    ...(own && { identity: own }),
    receiving: {},
  })
  await using capulet = await startS2sPeer({
    domain: 'capulet.example',
    ...(other && { identity: other }),
    ...(receiving && { receiving }),
    places: { 'montague.example': montague.port },
  })
  montague.place('capulet.example', capulet.port)
  await scene({ montague, capulet })
}

/** What montague and capulet think of a stream: the same. */
async function federate({ montague, capulet }: Pair, manner: Initiating = {}): Promise<Outcome> {
  const outcome = await montague.federate('capulet.example', manner)
  if (outcome.kind === 'established') {
    const seen = await capulet.outcomes.next()
    expect(seen).toMatchObject({
      kind: 'established',
      way: outcome.way,
      peer: 'montague.example',
      bidi: outcome.bidi,
    })
  }
  return outcome
}

const MESSAGE =
  "<message from='romeo@montague.example' to='juliet@capulet.example'><body>é 😀</body></message>"

describe('two scripted peers agree', () => {
  test('EXTERNAL over STARTTLS, and a stanza', async () => {
    await paired({}, async (pair) => {
      const outcome = await federate(pair)
      expect(outcome).toMatchObject({ way: 'sasl-tls', certificate: true })
      expect(outcome.stream.tls?.protocol).toBe('TLSv1.3')
      await outcome.stream.write(MESSAGE)
      expect((await pair.capulet.stanzas.next()).getChildText('body')).toBe('é 😀')
      const stream = await pair.capulet.streams.next()
      expect(stream.tls).toMatchObject({ servername: 'capulet.example' })
      expect(stream.tls?.certificate?.subjectAltName).toBe('DNS:montague.example')
    })
  })

  test('dialback over TLS, where the certificate says nothing', async () => {
    await paired({}, async (pair) => {
      const outcome = await federate(pair, { showsCertificate: false })
      expect(outcome).toMatchObject({ kind: 'established', way: 'tls-dialback' })
      // Capulet asked over a stream of its own.
      expect((await pair.montague.streams.next()).tls?.servername).toBe('montague.example')
    })
  })

  test('dialback in clear', async () => {
    await paired(
      {},
      async (pair) => {
        expect(await federate(pair)).toMatchObject({ kind: 'established', way: 'tcp-dialback' })
      },
      {},
    )
  })

  test('dialback between servers without version', async () => {
    await paired(OLD_RECEIVING, async (pair) => {
      const outcome = await federate(pair, OLD_INITIATING)
      expect(outcome).toMatchObject({ kind: 'established', way: 'tcp-dialback' })
      await outcome.stream.write(
        oldMessage({ from: 'a@montague.example', to: 'b@capulet.example', body: '<&>' }),
      )
      const message = await pair.capulet.stanzas.next()
      expect(message.getChildText('body')).toBe('<&>')
      expect(message.getChild('x', 'google:nosave')).toBeDefined()
      expect(message.getChild('x', 'jabber:x:event')?.getChild('composing')).toBeDefined()
      expect(outcome.stream.headers.all).toMatchObject([{ dialback: true }])
      expect(outcome.stream.transcript.join('\n')).not.toMatch(/version='1\.0'>|features/)
    })
  })

  test('EXTERNAL where nobody is named, since the header did', async () => {
    await paired({}, async (pair) => {
      const outcome = await federate(pair, { authzid: '' })
      expect(outcome).toMatchObject({ way: 'sasl-tls' })
      expect(outcome.stream.transcript.join('\n')).toContain("mechanism='EXTERNAL'>=</auth>")
    })
  })

  test('STARTTLS that is not offered, and done all the same', async () => {
    await paired({ starttls: 'secret' }, async (pair) => {
      expect(await federate(pair, { starttls: 'always' })).toMatchObject({ way: 'sasl-tls' })
    })
  })

  test('direct TLS', async () => {
    await paired({}, async ({ montague, capulet }) => {
      const stream = await montague.connectDirect(capulet.directPort, {
        identity: MONTAGUE,
        servername: 'capulet.example',
      })
      expect(stream.tls?.alpn).toBe('xmpp-server')
      await stream.open({ from: 'montague.example', to: 'capulet.example' })
      await stream.header()
      const features = featuresIn(await stream.expect('features'))
      expect(features).toMatchObject({ starttls: undefined, external: true })
    })
  })

  test('bidi and stream management', async () => {
    await paired({ bidi: true, sm: true }, async (pair) => {
      const outcome = await federate(pair, { bidi: true })
      expect(outcome).toMatchObject({ bidi: true })
      const { stream } = outcome
      await stream.write(`<enable xmlns='${NS.sm}'/>${MESSAGE}<r xmlns='${NS.sm}'/>`)
      await stream.expect('enabled', { xmlns: NS.sm })
      expect((await stream.expect('a', { xmlns: NS.sm })).attrs.h).toBe('1')
      await (await pair.capulet.streams.next()).write(MESSAGE)
      expect((await pair.montague.stanzas.next()).is('message')).toBe(true)
    })
  })
})

describe('two scripted peers disagree', () => {
  const cases: readonly (readonly [string, Receiving, Initiating, object])[] = [
    ['STARTTLS fails', { starttls: 'failure' }, {}, { by: 'them', condition: 'tls-failure' }],
    [
      'no TLS, and the initiator requires it',
      { starttls: 'absent' },
      { requiresTls: true },
      { by: 'us', condition: 'no-tls' },
    ],
    [
      'SASL fails, and there is no dialback',
      { external: 'failure' },
      { dialback: [] },
      { by: 'them', condition: 'not-authorized' },
    ],
    [
      'an authzid that the certificate does not prove',
      {},
      { authzid: 'victim.example', dialback: [] },
      { by: 'them', condition: 'not-authorized' },
    ],
    [
      'a key that was not made',
      { external: 'absent' },
      { key: 'f00' },
      { by: 'them', condition: 'dialback-invalid' },
    ],
    [
      'a key for another’s domain',
      { external: 'absent' },
      { keyFrom: 'nobody.example' },
      { by: 'them', condition: 'remote-server-not-found' },
    ],
    [
      'a dialback error',
      { external: 'absent', verdict: { error: 'item-not-found' } },
      {},
      { by: 'them', condition: 'item-not-found' },
    ],
    [
      'dialback in clear, where TLS is required',
      { starttls: 'required', dialback: ['tls'] },
      { starttls: 'never' },
      { by: 'them', condition: 'policy-violation' },
    ],
    ['no way', { external: 'absent', dialback: [] }, { dialback: [] }, { by: 'us', condition: 'no-way' }],
  ]
  test.for(cases)('%s', async ([, receiving, initiating, refused]) => {
    await paired(receiving, async ({ montague }) => {
      expect(await montague.federate('capulet.example', initiating)).toMatchObject({
        kind: 'refused',
        ...refused,
      })
    })
  })

  test('the other’s certificate names another domain', async () => {
    await paired(
      {},
      async ({ montague }) => {
        const outcome = await montague.federate('capulet.example', { requiresCertificate: true })
        expect(outcome).toMatchObject({ kind: 'refused', by: 'us', condition: 'certificate' })
      },
      { montague: MONTAGUE, capulet: identityOf(authority, 'tybalt.example') },
    )
  })

  test('the authoritative server denies a key that is right', async () => {
    await paired({ external: 'absent' }, async ({ montague }) => {
      montague.receiving = { authority: 'invalid' }
      expect(await montague.federate('capulet.example')).toMatchObject({ condition: 'dialback-invalid' })
    })
  })
})

describe('by hand', () => {
  test('one side plays the receiving server, step by step', async () => {
    await paired(undefined, async ({ montague, capulet }) => {
      const opening = montague.federate('capulet.example', { showsCertificate: false })
      const stream = await capulet.streams.next()
      expect(await stream.header()).toEqual({
        from: 'montague.example',
        to: 'capulet.example',
        version: '1.0',
        dialback: true,
      })
      await stream.open({ from: 'capulet.example', to: 'montague.example', id: 'one' })
      await stream.write('<stream:features/>')
      const request = await stream.expect('result', { xmlns: NS.dialback })
      const key = dialbackKey('the secret of montague.example', 'capulet.example', 'montague.example', 'one')
      expect(request.getText()).toBe(key)
      await stream.write(
        dialbackText('result', { from: 'capulet.example', to: 'montague.example', type: 'valid' }),
      )
      expect(await opening).toMatchObject({ kind: 'established', way: 'tcp-dialback' })
    })
  })

  test('a failed expectation shows what crossed', async () => {
    await paired({}, async ({ montague, capulet }) => {
      const stream = await montague.connect(capulet.port)
      await stream.open({ from: 'montague.example', to: 'capulet.example' })
      await stream.header()
      await expect(stream.expect('proceed')).rejects.toThrow(
        /expected <proceed>, and got <stream:features>.*\n {2}> <\?xml/,
      )
    })
  })

  test('octets behind <starttls/> stay outside TLS, a new document begins in it, and TLS 1.2 can be renegotiated', async () => {
    await paired(undefined, async ({ montague, capulet }) => {
      const stream = await montague.connect(capulet.port)
      const taken = await capulet.streams.next()
      await stream.open({ from: 'montague.example', to: 'capulet.example' })
      await taken.header()
      await taken.open({ from: 'capulet.example', to: 'montague.example', id: 'one' })
      await stream.header()
      await stream.write(`<starttls xmlns='${NS.tls}'/><message id='injected'/>`)
      await taken.expect('starttls')
      await taken.write(`<proceed xmlns='${NS.tls}'/>`)
      await stream.expect('proceed')
      const [seen] = await Promise.all([
        taken.tlsAsServer({ identity: CAPULET }),
        stream.tlsAsClient({ servername: 'capulet.example', maxVersion: 'TLSv1.2' }),
      ])
      expect(seen).toMatchObject({
        protocol: 'TLSv1.2',
        servername: 'capulet.example',
        certificate: undefined,
      })
      await stream.open({ from: 'montague.example', to: 'capulet.example' })
      await taken.header()
      expect(taken.headers.all.length).toBe(2)
      expect(taken.elements.all.map(String)).toEqual([
        `<starttls xmlns="${NS.tls}"/>`,
        expect.stringMatching(/^<message id="injected"/),
      ])
      expect(await stream.renegotiate()).toBe(undefined)
    })
  })

  test('octets drip, and characters are put together again', async () => {
    await paired({}, async (pair) => {
      const outcome = await federate(pair)
      expect(await outcome.stream.drip(MESSAGE, 1, 0)).toBe(Buffer.byteLength(MESSAGE))
      expect((await pair.capulet.stanzas.next()).getChildText('body')).toBe('é 😀')
    })
  })

  test('the end of the one is seen by the other', async () => {
    await paired({}, async (pair) => {
      const { stream } = await federate(pair)
      const taken = await pair.capulet.streams.next()
      stream.end()
      await expect(taken.expect('message')).rejects.toThrow(/the stream was closed|no element/)
      expect(taken.ended).toBe(true)
      taken.destroy()
      await stream.closed
    })
  })
})

describe('the matrix holds when we play both sides', () => {
  test('it has every row and every kind of peer', () => {
    const rows = [...new Set(MATRIX.map(({ row }) => row)), ...INVALID_ROWS]
    expect(rows.length).toBe(18)
    expect(MATRIX.length).toBe(13 * Object.keys(PEER_KINDS).length)
    expect(settingsOf('RO-')).toEqual({ tls: 'required', sasl: 'optional', dialback: false })
  })

  const kinds = Object.keys(PEER_KINDS) as PeerName[]
  test.for(kinds)('peer: %s', async (kind) => {
    const rowIdentity = MONTAGUE
    const kindIdentity = identityOfKind(kind, 'capulet.example', CAPULET)
    const { receiving, initiating } = PEER_KINDS[kind]
    await using row = await startS2sPeer({ domain: 'montague.example', identity: rowIdentity })
    await using peer = await startS2sPeer({
      domain: 'capulet.example',
      ...(kindIdentity && { identity: kindIdentity }),
      receiving,
      places: { 'montague.example': row.port },
    })
    row.place('capulet.example', peer.port)
    for (const cell of MATRIX.filter((each) => each.peer === kind)) {
      const plays = peerOfRow(cell.row)
      row.receiving = plays.receiving
      const out = await row.federate('capulet.example', plays.initiating)
      const into = await peer.federate('montague.example', initiating)
      // How we refuse is not how the gateway does.
      expect([cell.row, wayOf(out), wayOf(into)]).toEqual([cell.row, wayIn(cell.out), wayIn(cell.in)])
    }
  })
})

const wayOf = (outcome: Outcome): string | undefined =>
  outcome.kind === 'established' ? outcome.way : undefined
const wayIn = (expected: Expected): string | undefined =>
  /^(sasl-tls|tls-dialback|tcp-dialback)$/.test(expected) ? expected : undefined
