import { expect, onTestFinished, test } from 'vitest'
import { Links, type LinksOptions } from '../../src/edge/links.ts'
import type { PeerLog } from '../../src/edge/peer-log.ts'
import type { ComponentLink } from '../../src/federation/model.ts'
import { link } from '../federation/fixtures.ts'
import { fakeTime } from '../kernel/fake-time.ts'
import { udpPeer } from '../sip/endpoint/bed.ts'
import { configOf } from './gateway-bed.ts'
import { countingRandom, open, recordingLog } from './support.ts'

const SECRETS = new Map([['prosody', 'secret']])

function bed() {
  const { clock, timers } = fakeTime()
  const changes: string[] = []
  const { xmpp } = configOf({ xmpp: 1, home: 1 }, {})
  const links = new Links({
    surroundings: { ...xmpp, clock, timers, random: countingRandom() } as LinksOptions['surroundings'],
    software: { name: 'Test', version: '0' },
    addresses: 10,
    log: recordingLog(),
    peers: { warn: () => {} } as unknown as PeerLog,
    onStanza: () => {},
    onChange: (name, live) => changes.push(`${name} ${live ? 'stands' : 'stands no more'}`),
  })
  onTestFinished(() => links.close())
  const apply = (...rows: ComponentLink[]): readonly string[] => {
    links.apply(open({ links: rows }), SECRETS)
    return changes.splice(0)
  }
  return { apply }
}

test('a link that is replaced, or suspended, stands no more', async () => {
  // Nothing listens there over TCP.
  const row = link({ port: (await udpPeer()).port })
  const { apply } = bed()
  expect(apply(row)).toEqual([])
  expect(apply(row)).toEqual([])
  expect(apply({ ...row, host: '127.0.0.2' })).toEqual(['prosody stands no more'])
  expect(apply({ ...row, suspended: true })).toEqual(['prosody stands no more'])
})
