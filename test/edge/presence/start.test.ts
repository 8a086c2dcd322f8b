import { expect, test } from 'vitest'
import type { PresenceStore, StoredPresence } from '../../../src/edge/presence/store.ts'
import { Gateway } from '../../../src/gateway.ts'
import { systemRandom } from '../../../src/kernel/random.ts'
import { createLog } from '../../../src/logging.ts'
import { udpPeer } from '../../sip/endpoint/bed.ts'
import { patientClock } from '../../support/patient-clock.ts'
import { configOf, NO_DNS } from '../gateway-bed.ts'
import { RecordingStore } from './out-rig.ts'

const gatewayWith = async (presence: PresenceStore): Promise<Gateway> => {
  const { port } = await udpPeer()
  return new Gateway({
    config: configOf({ xmpp: port, home: port }, {}),
    log: createLog({ level: 'error', format: 'json' }, false),
    clock: patientClock,
    random: systemRandom,
    lookups: NO_DNS,
    software: { name: 'Test', version: '0' },
    presence,
  })
}

test('what an earlier process has left is read before anybody can ask for it; where that fails nothing runs', async () => {
  let fail = (_error: Error): void => {}
  const gateway = await gatewayWith(
    Object.assign(new RecordingStore(), {
      async *loadPresence(): AsyncGenerator<StoredPresence> {
        await new Promise((_resolve, reject) => {
          fail = reject
        })
      },
    }),
  )
  const starting = gateway.start()
  await new Promise((resolve) => setImmediate(resolve))
  expect(() => gateway.listeners).toThrow('has not started')
  fail(new Error('the store is gone'))
  await expect(starting).rejects.toThrow('the store is gone')
  expect(() => gateway.listeners).toThrow('has not started')
  await gateway.stop()
})
