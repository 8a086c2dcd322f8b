import { describe, expect, test } from 'vitest'
import type { Requirement } from '../../../src/federation/model.ts'
import { negotiationCheck } from '../../../src/federation/negotiation.ts'
import type { StreamProof } from '../../../src/xmpp/s2s/negotiation.ts'
import { until } from '../../support/patient-clock.ts'
import { politePeer, type Traits } from './polite-peer.ts'
import { MATCHING, MONTAGUE, OF_ANOTHER, poolBed, SELF_SIGNED } from './pool-bed.ts'
import { rawServer } from './raw-server.ts'

const LETTER = { R: 'required', O: 'optional', N: 'unsupported' } as const satisfies Record<
  string,
  Requirement
>
/** What a partner's settings accept, written as TLS, SASL, dialback: `RO+`. */
const acceptedBy = (row: string) =>
  negotiationCheck({
    tls: LETTER[row[0] as 'R'],
    sasl: LETTER[row[1] as 'R'],
    dialback: row[2] === '+',
  }).accepted

const PEERS: Readonly<Record<string, Traits>> = {
  'old peer': { version: false },
  'no STARTTLS': { starttls: 'absent', tls: 'closes' },
  'match, EXTERNAL, dialback': { shows: MATCHING },
  'match, EXTERNAL alone': { shows: MATCHING, db: false, dialback: false },
  'match, dialback alone': { shows: MATCHING, external: false },
  'mismatch, EXTERNAL, dialback': { shows: OF_ANOTHER },
  'self-signed, EXTERNAL, dialback': { shows: SELF_SIGNED },
  'EXTERNAL fails, dialback': { shows: MATCHING, sasl: 'failure' },
  'EXTERNAL fails with its stream, dialback': { shows: MATCHING, sasl: 'failure-and-end' },
  'STARTTLS fails': { tls: 'fails' },
  'no TLS behind proceed': { tls: 'no-handshake' },
  'STARTTLS required': { shows: MATCHING, starttls: 'required' },
}

/** E: by EXTERNAL, T: by dialback over TLS, C: by dialback in clear, -: no stream. In the order of `PEERS`. */
const MATRIX = {
  'RR+': '- - E E - - - - - - - E',
  'RR-': '- - E E - - - - - - - E',
  'RO+': '- - E E T T T T T - - E',
  'RO-': '- - E E - - - - - - - E',
  'RN+': '- - T - T T T T T - - T',
  'RN-': '- - - - - - - - - - - -',
  'OR+': 'C C E E T T T T T C C E',
  'OR-': '- - E E - - - - - - - E',
  'OO+': 'C C E E T T T T T C C E',
  'OO-': '- - E E - - - - - - - E',
  'ON+': 'C C T - T T T T T C C T',
  'ON-': '- - - - - - - - - - - -',
  'NR+': 'C C C - C C C C C C C -',
  'NR-': '- - - - - - - - - - - -',
  'NO+': 'C C C - C C C C C C C -',
  'NO-': '- - - - - - - - - - - -',
  'NN+': 'C C C - C C C C C C C -',
  'NN-': '- - - - - - - - - - - -',
} as const

const letterOf = ({ dialback, tls }: StreamProof): string =>
  dialback === 'not-tried' ? 'E' : tls ? 'T' : 'C'

test('all 18 rows are in the table', () => expect(Object.keys(MATRIX)).toHaveLength(18))

describe.for(Object.entries(MATRIX))('settings %s', ([row, letters]) => {
  test.for(
    Object.entries(PEERS).map(([name, traits], at) => [name, letters.split(' ')[at], traits] as const),
  )('%s: %s', async ([, letter, traits]) => {
    await using server = await rawServer(politePeer(traits))
    await using bed = poolBed({
      servers: { [MONTAGUE]: server.port },
      rules: { accepted: acceptedBy(row) },
    })
    expect(bed.send('m1')).toBe(true)
    const taken = await bed.told('m1')
    const proved = bed.ofKind('proved').map(({ proof }) => letterOf(proof))
    if (letter === '-') {
      expect(proved).toEqual([])
      expect(taken).toBe(false)
      expect(bed.bounces).toMatchObject([{ bounce: { condition: 'remote-server-timeout' } }])
      expect(server.peers.some(({ read }) => read.includes('text of m1'))).toBe(false)
    } else {
      expect(proved).toEqual([letter])
      expect(taken).toBe(true)
      await until(() => server.peers.at(-1)?.read.includes('text of m1') === true)
      expect(bed.bounces).toEqual([])
    }
  })
})
