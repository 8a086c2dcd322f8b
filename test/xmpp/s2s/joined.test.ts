import { expect, test } from 'vitest'
import type { Clock } from '../../../src/kernel/clock.ts'
import { systemRandom } from '../../../src/kernel/random.ts'
import { readCertificate } from '../../../src/net/tls/certificate.ts'
import { Credentials } from '../../../src/net/tls/credentials.ts'
import { DialbackKeys } from '../../../src/xmpp/s2s/dialback-key.ts'
import type { Accepted, StreamProof } from '../../../src/xmpp/s2s/negotiation.ts'
import { DEFAULT_S2S_LIMITS } from '../../../src/xmpp/s2s/options.ts'
import { S2sServer } from '../../../src/xmpp/s2s/server.ts'
import { xml } from '../../../src/xmpp/xml/element.ts'
import { DEFAULT_XML_LIMITS } from '../../../src/xmpp/xml/limits.ts'
import { fakeTime } from '../../kernel/fake-time.ts'
import { dnsOf, type Known } from '../../net/dns/dns-of.ts'
import { Authority } from '../../support/certificates.ts'
import { until } from '../../support/patient-clock.ts'
import { freePort } from '../../support/ports.ts'
import { domain } from './support.ts'

const authority = new Authority('S2S')
const stranger = new Authority('S2S')
const trust = { anchors: [readCertificate(authority.x509)].flatMap((read) => (read.ok ? [read.value] : [])) }

async function party(name: string, table: Record<string, Known>, accepted: Accepted, believed: boolean) {
  const time = fakeTime()
  const clock: Clock = { now: () => time.clock.now(), wall: () => Date.now() }
  const got: string[] = []
  const bounces: string[] = []
  const issued = (believed ? authority : stranger).issue({ dns: [name], purposes: ['server', 'client'] })
  const port = await freePort()
  table[`_xmpp-server._tcp.${name}`] = { SRV: [{ target: 'server.example', port }] }
  const server = new S2sServer(
    {
      credentials: new Credentials({ certificates: [{ name, ...issued }], trust }),
      keys: new DialbackKeys([`secret of ${name}`]),
      serves: (own) => own === name,
      rulesFor: () => ({ accepted, keepAlive: 0, partner: 'Capulet', connections: 10, fixed: undefined }),
      lookups: dnsOf(table).lookups,
      xml: DEFAULT_XML_LIMITS,
      limits: DEFAULT_S2S_LIMITS,
      retry: { first: 1000, ceiling: 60_000 },
      clock,
      timers: time.timers,
      random: systemRandom,
      onStanza: (stanza, pair, proof) =>
        got.push(JSON.stringify({ id: stanza.attrs.id, from: pair.sender, proof })),
      onBounce: (_s, b) => bounces.push(b.text),
      onEvent: () => {},
      onFault: (e) => {
        throw e
      },
    },
    [{ name: 'in', address: '127.0.0.1', port, tls: 'starttls' }],
  )
  await server.start()
  return { server, got, bounces, name }
}

const BY_CERTIFICATE = { certificate: 'match', dialback: 'not-tried', tls: true } as const
const by = (certificate: StreamProof['certificate'], tls: boolean): StreamProof => ({
  certificate,
  dialback: 'valid',
  tls,
})

/** Two servers of ours that find each other by DNS: a message each way, and one more over the stream that stands. */
test.for<[string, Accepted, boolean, StreamProof]>([
  ['SASL EXTERNAL', ['sasl-tls'], true, BY_CERTIFICATE],
  ['dialback over TLS, the certificate vouches', ['tls-dialback'], true, BY_CERTIFICATE],
  ['dialback over TLS, the certificate is not believed', ['tls-dialback'], false, by('mismatch', true)],
  ['dialback in clear', ['tcp-dialback'], true, by('absent', false)],
  ['everything: the best', ['sasl-tls', 'tls-dialback', 'tcp-dialback'], true, BY_CERTIFICATE],
])('two servers federate by %s', async ([, accepted, believed, proof]) => {
  const table: Record<string, Known> = { 'server.example': { A: ['127.0.0.1'] } }
  const a = await party('capulet.example', table, accepted, believed)
  const b = await party('montague.example', table, accepted, believed)
  const say = (from: typeof a, to: typeof a, id: string) =>
    new Promise<boolean>((resolve) =>
      from.server.send(
        xml('message', { from: `x@${from.name}`, to: `y@${to.name}`, id }, xml('body', {}, id)),
        { sender: domain(from.name), target: domain(to.name) },
        resolve,
      ),
    )
  expect(await say(a, b, 'm1')).toBe(true)
  expect(await say(b, a, 'm2')).toBe(true)
  expect(await say(a, b, 'm3')).toBe(true)
  await until(() => b.got.length === 2 && a.got.length === 1)
  expect(b.got.map((each) => JSON.parse(each))).toEqual([
    { id: 'm1', from: a.name, proof },
    { id: 'm3', from: a.name, proof },
  ])
  expect(a.got.map((each) => JSON.parse(each))).toEqual([{ id: 'm2', from: b.name, proof }])
  expect([a.bounces, b.bounces]).toEqual([[], []])
  await Promise.all([a.server.close(), b.server.close()])
})
