import { describe, expect, test } from 'vitest'
import { Counters } from '../../src/edge/counters.ts'
import { PeerLog } from '../../src/edge/peer-log.ts'
import { evidenceOf } from '../../src/edge/sip-evidence.ts'
import type { Source } from '../../src/sip/transport/place.ts'
import {
  address,
  domain,
  home,
  pattern,
  served,
  sipProvider,
  snapshot,
  user,
} from '../federation/fixtures.ts'
import { fakeTime } from '../kernel/fake-time.ts'
import { request, source } from '../sip/proxy/bed.ts'
import { recordingLog } from './support.ts'

const NOW = snapshot({
  homes: [
    home(),
    home({ name: 'second', addresses: ['127.0.0.2'] }),
    home({ name: 'sealed', addresses: ['127.0.0.3'], certificate: domain('home.sealed.example') }),
  ],
  servedDomains: [
    served(),
    served({ name: domain('second.example'), home: 'second' }),
    served({ name: domain('sealed.example'), home: 'sealed' }),
  ],
  users: [user('moved@sip.example', { home: 'second' })],
  providers: [
    sipProvider({
      assertingHeader: 'X-Verified',
      accessEdges: [domain('edge.partner.example'), domain('edge2.partner.example')],
    }),
    sipProvider({
      name: 'Other',
      domains: [pattern('other.example')],
      accessEdges: [domain('edge.other.example')],
    }),
  ],
})

function evidence(from: string, where: Partial<Source>, lines: readonly string[] = []) {
  const counters = new Counters()
  const log = recordingLog()
  const watch = { counters, peers: new PeerLog({ log, clock: fakeTime().clock }) }
  const given = { request: request({ from: `<sip:${from}>;tag=f`, lines }), source: source(where) }
  const result = evidenceOf(given, address(from), NOW, watch)
  return { result, counts: counters.snapshot(), warned: log.lines.map(({ level }) => level) }
}

const INSIDE = { side: 'inside', address: '127.0.0.1' } as const
const TLS = (...identity: string[]) => ({ side: 'outside', transport: 'tls', identity }) as const
const NONE = { kind: 'none' }

describe('a home server is believed on an inside listener alone, for whom it serves', () => {
  test('by its address', () => {
    const { result, counts } = evidence('romeo@sip.example', INSIDE)
    expect(result).toEqual({ kind: 'home', home: 'main' })
    expect(counts).toEqual({})
  })

  test('by its certificate, where its row names one, and not by its address', () => {
    const there = { ...INSIDE, address: '127.0.0.3' }
    expect(evidence('x@sealed.example', there).result).toEqual(NONE)
    const elsewhere = { ...INSIDE, transport: 'tls', identity: ['home.sealed.example'] } as const
    expect(evidence('x@sealed.example', elsewhere).result).toEqual({ kind: 'home', home: 'sealed' })
  })

  test('a user with a home of its own speaks from there alone', () => {
    expect(evidence('moved@sip.example', INSIDE).result).toEqual(NONE)
    expect(evidence('moved@sip.example', { ...INSIDE, address: '127.0.0.2' }).result).toEqual({
      kind: 'home',
      home: 'second',
    })
  })

  test.for<[string, string, Partial<Source>, string]>([
    ['another home’s user', 'romeo@second.example', INSIDE, 'sip.not-its-home'],
    [
      'a user of ours from an address that is no home’s',
      'romeo@sip.example',
      { ...INSIDE, address: '127.0.0.9' },
      'sip.not-its-home',
    ],
    ['a user of a provider', 'paris@partner.example', INSIDE, 'sip.forged-from'],
    [
      'a user of a provider, with its certificate',
      'paris@partner.example',
      { ...INSIDE, identity: ['edge.partner.example'] },
      'sip.forged-from',
    ],
    [
      'a user of ours on an outside listener',
      'romeo@sip.example',
      { ...INSIDE, side: 'outside' },
      'sip.inside-from-outside',
    ],
    [
      'the same with a provider’s certificate',
      'romeo@sip.example',
      TLS('edge.partner.example'),
      'sip.inside-from-outside',
    ],
    [
      'the same with the home’s own certificate',
      'x@sealed.example',
      TLS('home.sealed.example'),
      'sip.inside-from-outside',
    ],
  ])('%s: nothing is proved, and it is counted and warned of', ([, from, where, counter]) => {
    const { result, counts, warned } = evidence(from, where)
    expect(result).toEqual(NONE)
    expect(counts).toEqual({ [counter]: 1 })
    expect(warned).toEqual(['warn'])
  })
})

describe('a provider proves itself by its certificate', () => {
  const VERIFIED = ['X-Verified: verified']

  test('by any of its access edges; what it asserts is read', () => {
    for (const name of ['edge.partner.example', 'edge2.partner.example'])
      expect(evidence('paris@partner.example', TLS(name), VERIFIED).result).toEqual({
        kind: 'sip-peer',
        names: [name],
        asserted: 'verified',
      })
  })

  test.for([
    ['another provider’s', 'edge.other.example'],
    ['one that names the domain, but no access edge', 'partner.example'],
    ['one that names something below the access edge', 'a.edge.partner.example'],
  ] as const)('under %s certificate nothing that it asserts counts', ([, name]) => {
    expect(evidence('paris@partner.example', TLS(name), VERIFIED).result).toEqual({
      kind: 'sip-peer',
      names: [name],
      asserted: 'absent',
    })
  })

  test('the header of one provider says nothing for another', () => {
    expect(evidence('x@other.example', TLS('edge.other.example'), VERIFIED).result).toMatchObject({
      asserted: 'absent',
    })
  })

  test('without a certificate nothing is proved', () => {
    const { result, counts } = evidence('paris@partner.example', { side: 'outside' }, VERIFIED)
    expect(result).toEqual(NONE)
    expect(counts).toEqual({})
  })
})
