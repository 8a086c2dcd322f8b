import { expect, test } from 'vitest'
import { Element } from '../../../src/xmpp/xml/element.ts'
import { until } from '../../support/patient-clock.ts'
import { type BedWish, type IncomingBed, incomingBed, OWN, PEER, THEIRS } from './incoming-bed.ts'
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

async function authenticated(wish: BedWish = {}): Promise<{ bed: IncomingBed; client: RawClient }> {
  const bed = await incomingBed(wish)
  const client = await RawClient.connect(bed.port)
  await client.open({ from: THEIRS, to: OWN })
  await client.features()
  await client.startTls({ shows: PEER })
  await client.open({ from: THEIRS, to: OWN })
  await client.features()
  client.send("<bidi xmlns='urn:xmpp:bidi'/>")
  client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
  await client.take(/<success/)
  await client.open({ from: THEIRS, to: OWN })
  await client.features()
  return { bed, client }
}

/** Says that last, as if it had been under way when our end came. */
function saysAtTheEnd(client: RawClient, text: string): void {
  client.tls.on('data', (chunk) => {
    if (String(chunk).includes('</stream:stream>')) client.send(`${text}</stream:stream>`)
  })
}

const isOver = ({ events }: IncomingBed): boolean => events.some(({ kind }) => kind === 'closed')

test('a stanza that was under way when an idle stream was ended arrives (RFC 6120 §4.4)', async () => {
  const { bed, client } = await authenticated({ limits: { idle: 1_000 } })
  saysAtTheEnd(client, `<message from='juliet@${THEIRS}' to='romeo@${OWN}'/>`)
  await until(() => isOver(bed))
  expect(bed.stanzas).toHaveLength(1)
})

test('an acknowledgement that was under way when the stream was ended counts (XEP-0198 §4)', async () => {
  const { bed, client } = await authenticated()
  client.send("<enable xmlns='urn:xmpp:sm:3'/>")
  await client.take(/<enabled /)
  const taken: boolean[] = []
  const stanza = new Element('message', { from: `romeo@${OWN}`, to: `juliet@${THEIRS}` })
  bed.offered[0]?.channel.send(stanza, (whether) => taken.push(whether))
  await client.take(/<r /)
  saysAtTheEnd(client, "<a xmlns='urn:xmpp:sm:3' h='1'/>")
  const closing = bed.side.close()
  await until(() => isOver(bed))
  await closing
  expect(taken).toEqual([true])
})
