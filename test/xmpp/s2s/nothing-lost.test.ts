import { expect, test } from 'vitest'
import { until } from '../../support/patient-clock.ts'
import { incomingBed, OWN, PEER, THEIRS } from './incoming-bed.ts'
import { politePeer } from './polite-peer.ts'
import { MONTAGUE, PAIR, poolBed } from './pool-bed.ts'
import { RawClient } from './raw-client.ts'
import { rawServer } from './raw-server.ts'

test('a stanza that is sent when the one before it is taken leaves too, and is told of', async () => {
  await using server = await rawServer(politePeer({ starttls: 'absent' }))
  await using bed = poolBed({ servers: { [MONTAGUE]: server.port } })
  bed.send('m1')
  await bed.told('m1')
  bed.pool.send(bed.message('m2'), PAIR, () => {
    bed.send('m3')
  })
  expect(await bed.told('m3')).toBe(true)
  await until(() => /text of m2.*text of m3/.test(server.peers[0]?.read ?? ''))
})

test('a stanza that was on its way when an idle stream was ended arrives (RFC 6120 §4.4)', async () => {
  const { port, stanzas, events } = await incomingBed({ limits: { idle: 1_000 } })
  const client = await RawClient.connect(port)
  await client.open({ from: THEIRS, to: OWN })
  await client.features()
  await client.startTls({ shows: PEER })
  await client.open({ from: THEIRS, to: OWN })
  await client.features()
  client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
  await client.take(/<success/)
  await client.open({ from: THEIRS, to: OWN })
  await client.features()
  client.tls.on('data', (chunk) => {
    if (!String(chunk).includes('</stream:stream>')) return
    client.send(`<message from='juliet@${THEIRS}' to='romeo@${OWN}'/></stream:stream>`)
  })
  await until(() => events.some(({ kind }) => kind === 'closed'))
  expect(stanzas).toHaveLength(1)
})
