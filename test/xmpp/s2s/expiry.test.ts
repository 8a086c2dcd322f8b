import { describe, expect, test } from 'vitest'
import { until } from '../../support/patient-clock.ts'
import { FORGED, incomingBed, OWN, PEER, THEIRS } from './incoming-bed.ts'
import { politePeer } from './polite-peer.ts'
import { MATCHING, MONTAGUE, OF_ANOTHER, poolBed } from './pool-bed.ts'
import { RawClient } from './raw-client.ts'
import { rawServer } from './raw-server.ts'

/** Certificates of the tests are good until tomorrow. */
const LATER = 2 * 86_400_000

describe('certificates in long-lived streams (RFC 6120 §13.7.2.3)', () => {
  async function opened(shows: typeof PEER) {
    let ahead = 0
    const { directPort } = await incomingBed({
      authoritative: 'valid',
      limits: { setUp: 500, idle: 2_000 },
      ahead: () => ahead,
    })
    const client = await RawClient.connectTls(directPort, { shows })
    await client.open({ from: THEIRS, to: OWN })
    client.send(`<db:result from='${THEIRS}' to='${OWN}'>k3y</db:result>`)
    await client.take(/type="valid"/)
    ahead = LATER
    return client
  }

  test('a stream to us ends when the certificate that proved it has expired', async () => {
    const client = await opened(PEER)
    expect(await client.error()).toBe('reset')
  })

  test('one that dialback proved goes on', async () => {
    const client = await opened(FORGED)
    expect((await client.take(/[\s\S]*<\/stream:stream>/))[0]).not.toContain('error')
  })

  test.for([
    ['ends when that certificate has expired', MATCHING, 0],
    ['goes on where dialback proved it', OF_ANOTHER, 1],
  ] as const)('a stream of ours %s', async ([, shows, live]) => {
    await using server = await rawServer(politePeer({ shows }))
    await using bed = poolBed({ servers: { [MONTAGUE]: server.port } })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(true)
    bed.time.pass(30_000)
    expect(bed.pool.stats().live).toBe(1)
    bed.advance(LATER)
    bed.time.pass(30_000)
    expect(bed.pool.stats().live).toBe(live)
    if (live === 0) await until(() => (server.peers[0]?.read ?? '').includes('<reset '))
    expect(bed.pool.troubled()).toEqual([])
  })
})
