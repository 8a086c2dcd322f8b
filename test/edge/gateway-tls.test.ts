import { writeFile } from 'node:fs/promises'
import { Writable } from 'node:stream'
import pino from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import type { Config } from '../../src/config/config.ts'
import { textOfProblem } from '../../src/config/problem.ts'
import { readConfig } from '../../src/config/read.ts'
import { Gateway } from '../../src/gateway.ts'
import { systemRandom } from '../../src/kernel/random.ts'
import { requestText, until } from '../sip/endpoint/bed.ts'
import { tlsPeer } from '../sip/endpoint/tls-bed.ts'
import { Authority, written } from '../support/certificates.ts'
import { patientClock } from '../support/patient-clock.ts'
import { NO_DNS } from './gateway-bed.ts'

const root = new Authority('Root')
const first = root.issue({ commonName: 'first', dns: ['sip.example'] })
const renewed = root.issue({ commonName: 'renewed', dns: ['sip.example'] })
const peer = root.issue({ commonName: 'peer', dns: ['peer.example'] })

const textOf = (certificate: string): string =>
  stringify({
    sip: {
      listeners: [
        {
          ...{ name: 'tls', transport: 'tls', address: '127.0.0.1', side: 'outside' },
          ...{ advertise: 'sip.example', clientCertificate: 'required', certificates: [certificate] },
        },
      ],
      tls: { certificates: [{ name: certificate, cert: 'edge.pem', key: 'edge.key' }], ca: 'ca.pem' },
    },
    federation: {},
  })

/** A gateway with one TLS listener, and how its configuration is read anew. */
async function started() {
  const files = await written({ edge: first, 'ca.pem': root.pem })
  const lines: string[] = []
  const log = pino(
    { level: 'warn' },
    new Writable({
      write(line, _encoding, done) {
        lines.push(String(line))
        done()
      },
    }),
  )
  const read = (name = 'edge') => readConfig(textOf(name), files.file('gateway.config.yaml'), {})
  const config = (name?: string): Config => {
    const result = read(name)
    if (!result.ok) throw new Error(result.error.map(textOfProblem).join('\n'))
    return result.value
  }
  const initial = config()
  const anyPort = initial.sip.listeners.map((listener) => ({ ...listener, port: 0 }))
  const gateway = new Gateway({
    config: { ...initial, sip: { ...initial.sip, listeners: anyPort } },
    log,
    clock: patientClock,
    random: systemRandom,
    lookups: NO_DNS,
    software: { name: 'Test', version: '0' },
  })
  onTestFinished(async () => {
    await gateway.stop()
    await files[Symbol.asyncDispose]()
  })
  await gateway.start()
  const reload = async (name?: string): Promise<void> => {
    const next = config(name)
    await gateway.reload({ ...next, sip: { ...next.sip, listeners: anyPort } })
  }
  return { gateway, files, lines, read, reload, port: gateway.listeners[0]?.port ?? 0 }
}

const subject = ({ socket }: Awaited<ReturnType<typeof tlsPeer>>) => socket.getPeerCertificate().subject.CN

test('the certificates of the file are shown, and those of the authorities there are demanded', async () => {
  const { gateway, port } = await started()
  expect(gateway.listeners).toMatchObject([{ transport: 'tls', side: 'outside' }])
  const known = await tlsPeer(port, peer)
  expect(subject(known)).toBe('first')
  known.socket.write(requestText(5061, { via: 'SIP/2.0/TLS peer.example;branch=z9hG4bKgateway' }))
  await until(() => known.text().startsWith('SIP/2.0 4'))
  const stranger = await tlsPeer(port, new Authority('Other').issue({ dns: ['peer.example'] }))
  await until(() => stranger.closed())
})

test('reload: new files are shown from then on, connections stay, and nothing asks for a restart', async () => {
  const { files, lines, port, reload } = await started()
  const before = await tlsPeer(port, peer)
  await writeFile(files.file('edge.pem'), renewed.cert)
  await writeFile(files.file('edge.key'), renewed.key)
  await reload()
  const after = await tlsPeer(port, peer)
  expect([subject(before), subject(after)]).toEqual(['first', 'renewed'])
  before.socket.write(requestText(5061, { via: 'SIP/2.0/TLS peer.example;branch=z9hG4bKreload' }))
  await until(() => before.text().startsWith('SIP/2.0 4'))
  expect(lines.filter((line) => line.includes('restart'))).toEqual([])
})

test('reload: a new file that cannot be used is a problem like any other, and the old one is shown on', async () => {
  const { files, port, read } = await started()
  await writeFile(files.file('edge.pem'), renewed.cert)
  const half = read()
  expect(half.ok ? [] : half.error.map(({ message }) => message)).toEqual([
    'is not the key of the certificate',
  ])
  expect(subject(await tlsPeer(port, peer))).toBe('first')
})

test('reload: a certificate under another name waits for a restart, since listeners keep the names that they show', async () => {
  const { files, lines, port, reload } = await started()
  await writeFile(files.file('edge.pem'), renewed.cert)
  await writeFile(files.file('edge.key'), renewed.key)
  await reload('renamed')
  expect(subject(await tlsPeer(port, peer))).toBe('first')
  expect(lines.join()).toContain('certificates stay as they were until a restart')
  await reload()
  expect(subject(await tlsPeer(port, peer))).toBe('renewed')
})
