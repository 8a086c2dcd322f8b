import { expect, test } from 'vitest'
import { REFUSALS } from '../../../src/xmpp/s2s/negotiation.ts'
import { type Issued, selfSigned } from '../../support/certificates.ts'
import { until } from '../../support/patient-clock.ts'
import { FORGED, type IncomingBed, incomingBed, OWN, PEER, ROOT, rulesOf, THEIRS } from './incoming-bed.ts'
import { RECEIVING, REFUSAL_OF, waysOf } from './matrix.ts'
import { RawClient } from './raw-client.ts'

const OTHER = ROOT.issue({ commonName: 'verona.example', dns: ['verona.example'] })
/** The certificate names the domain, and leads to no authority that we trust. */
const NAMED_BUT_FORGED = FORGED
const EXPIRED = ROOT.issue({ commonName: THEIRS, dns: [THEIRS], from: -7_200_000, until: -3_600_000 })
const FOR_CODE = ROOT.issue({ commonName: THEIRS, dns: [THEIRS], purposes: ['code'] })

interface Peer {
  readonly tls: boolean
  readonly version: boolean
  readonly shows?: Issued
}
/** In the order of the columns. */
const PEERS: readonly Peer[] = [
  { tls: false, version: false },
  { tls: true, version: false, shows: PEER },
  { tls: false, version: true },
  { tls: true, version: true, shows: PEER },
  { tls: true, version: true, shows: OTHER },
  { tls: true, version: true },
]

async function connect({ directPort, port }: IncomingBed, { tls, version, shows }: Peer): Promise<RawClient> {
  const client = tls ? await RawClient.connectTls(directPort, { shows }) : await RawClient.connect(port)
  await client.open({ from: THEIRS, to: OWN, version: version ? '1.0' : undefined })
  return client
}

/** What follows our header, in the letters of the table. */
async function offered(client: RawClient, { version }: Peer): Promise<string> {
  await until(() => /stream:features|<\/stream:stream>/.test(client.text) || !version)
  // An old peer hears nothing, or an error in the same breath as the header.
  if (!version && client.text === '') return '-'
  if (client.text.includes('<stream:error>')) {
    const { text } = client
    const refusal = Object.entries(REFUSAL_OF).find(([, reason]) => text.includes(REFUSALS[reason].text))
    if (refusal === undefined) throw new Error(text)
    expect(text).toContain(`<${REFUSALS[refusal[1]].condition} `)
    return refusal[0]
  }
  const features = await client.features()
  const has = (part: string, letter: string): string => (features.includes(part) ? letter : '')
  return [
    has('<starttls', 'S'),
    has('<required/>', '!'),
    has('EXTERNAL', 'E'),
    has('<dialback', 'D'),
    has('<bidi', 'b'),
  ].join('')
}

async function keyed(bed: IncomingBed, client: RawClient): Promise<string> {
  const before = bed.asked.length
  client.send(`<db:result from='${THEIRS}' to='${OWN}'>k3y</db:result>`)
  await until(() => bed.asked.length > before || client.text.includes('<db:result'))
  if (bed.asked.length > before) {
    // Else the next one for the pair would wait for it.
    bed.asked.at(-1)?.tell({ unreachable: 'no-connection' })
    return 'v'
  }
  if (client.text.includes('type="valid"')) return 'V'
  return /<error type="[a-z]+"><([a-z])/.exec(client.text)?.[1] ?? client.text
}

async function authenticated(client: RawClient): Promise<string> {
  client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
  const [, name, condition = ''] = await client.take(
    /<(success|failure) xmlns="urn:ietf:params:xml:ns:xmpp-sasl"(?:\/>|><([a-z-]+)\/>)/,
  )
  return name === 'success' ? 'y' : (condition[0] as string)
}

test.for(Object.entries(RECEIVING))('row %s on real streams', async ([row, wanted]) => {
  const [offers, keys, externals] = wanted.split(' | ').map((part) => part.split(' ')) as [
    string[],
    string[],
    string[],
  ]
  const bed = await incomingBed({ rules: () => rulesOf(waysOf(row)) })
  for (const [at, peer] of PEERS.entries()) {
    const client = await connect(bed, peer)
    const offer = await offered(client, peer)
    expect(offer, `offer to ${at}`).toBe(offers[at])
    // Where the stream was refused nothing more can be tried on it.
    if (!peer.version || offer === '0' || Object.hasOwn(REFUSAL_OF, offer)) {
      client.destroy()
      continue
    }
    expect(await keyed(bed, client), `key of ${at}`).toBe(keys[at - 2])
    client.destroy()
    const again = await connect(bed, peer)
    await again.features()
    expect(await authenticated(again), `EXTERNAL of ${at}`).toBe(externals[at - 2])
    again.destroy()
  }
  expect(bed.faults).toEqual([])
})

test.for([
  ['signed by itself, with the name of a victim', NAMED_BUT_FORGED, false],
  ['signed by itself, for clients too', selfSigned({ commonName: THEIRS, dns: [THEIRS] }), false],
  ['expired', EXPIRED, false],
  ['for code', FOR_CODE, false],
  ['for another domain', OTHER, false],
  ['for servers alone, by an authority that we trust', PEER, true],
] as const)('a certificate %s: EXTERNAL %s', async ([, shows, isGood]) => {
  const bed = await incomingBed({ rules: () => rulesOf(['sasl-tls', 'tls-dialback']) })
  const client = await RawClient.connectTls(bed.directPort, { shows })
  await client.open({ from: THEIRS, to: OWN })
  expect((await client.features()).includes('EXTERNAL')).toBe(isGood)
  // Tried all the same.
  expect(await authenticated(client)).toBe(isGood ? 'y' : 'n')
  const strict = await incomingBed({ rules: () => rulesOf(['sasl-tls']) })
  const refused = await RawClient.connectTls(strict.directPort, { shows })
  await refused.open({ from: THEIRS, to: OWN })
  if (isGood) await refused.features()
  else expect(await refused.error()).toBe('not-authorized')
})
