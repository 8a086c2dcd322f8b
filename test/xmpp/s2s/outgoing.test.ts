import { describe, expect, test } from 'vitest'
import { until } from '../../support/patient-clock.ts'
import { politePeer } from './polite-peer.ts'
import { ALL, MATCHING, MONTAGUE, PAIR, poolBed } from './pool-bed.ts'
import { rawServer } from './raw-server.ts'

describe('a stream that proves itself', () => {
  test('by EXTERNAL over STARTTLS, with a certificate that matches', async () => {
    await using server = await rawServer(politePeer({ shows: MATCHING }))
    await using bed = poolBed({ servers: { [MONTAGUE]: server.port } })
    expect(bed.send('m1')).toBe(true)
    expect(await bed.told('m1')).toBe(true)
    await until(() => server.peers[0]?.read.includes('text of m1') === true)
    expect(bed.ofKind('proved')).toMatchObject([
      { pair: PAIR, proof: { certificate: 'match', dialback: 'not-tried', tls: true } },
    ])
    expect(bed.bounces).toEqual([])
  })
})
void ALL
