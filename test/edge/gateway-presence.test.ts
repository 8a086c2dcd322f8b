import { expect, onTestFinished, test } from 'vitest'
import { keptDialog } from '../../src/edge/presence/kept.ts'
import type { PresencePair, PresenceStore, StoredPresence } from '../../src/edge/presence/store.ts'
import { Gateway } from '../../src/gateway.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { systemRandom } from '../../src/kernel/random.ts'
import { createLog } from '../../src/logging.ts'
import { udpPeer, until } from '../sip/endpoint/bed.ts'
import { configOf, NO_DNS } from './gateway-bed.ts'

const JULIET = 'juliet@xmpp.example'
const ROMEO = 'sip:romeo@sip.example'
const pair: PresencePair = { direction: 'in', xmpp: JULIET, sip: ROMEO }

const kept = (): StoredPresence => ({
  authorizations: [{ ...pair, state: 'granted', since: Date.now() }],
  dialogs: [
    keptDialog(pair, 'ours', {
      home: 'main',
      shown: [],
      saved: {
        version: 1,
        dialog: {
          ...{ callId: 'c', localTag: 'ours', remoteTag: 'theirs', localUri: `sip:${JULIET}` },
          ...{ remoteUri: ROMEO, localCSeq: 300, remoteCSeq: 1, routes: [], secure: false },
          target: 'sip:romeo@192.0.2.1',
        },
        event: 'presence',
        status: 'active',
        until: Date.now() + 600_000,
      },
    }),
  ],
})

test('a watcher cannot ask before its dialog was read, and then it goes on', async () => {
  const home = await udpPeer()
  let release = (): void => {}
  const read = new Promise<void>((resolve) => {
    release = resolve
  })
  const nothing = (): void => {}
  let asked = false
  const store: PresenceStore = {
    async *loadPresence() {
      asked = true
      await read
      yield kept()
    },
    ...{ keepAuthorization: nothing, dropPair: nothing, keepDialog: nothing, dropDialog: nothing },
    presenceStats: () => ({ waiting: 0, written: 0, failed: 0 }),
  }
  const gateway = new Gateway({
    config: configOf({ xmpp: 9, home: home.port }, {}),
    log: createLog({ level: 'error', format: 'json' }, false),
    ...{ clock: systemClock, random: systemRandom, lookups: NO_DNS, presence: store },
    software: { name: 'Test', version: '0' },
  })
  onTestFinished(async () => {
    await gateway.stop()
  })
  const starting = gateway.start()
  await until(() => asked)
  expect(() => gateway.listeners).toThrow('not started')

  release()
  await starting
  const port = gateway.listeners.find(({ transport }) => transport === 'udp')?.port ?? 0
  home.send(
    [
      `SUBSCRIBE sip:${JULIET} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${home.port};branch=z9hG4bKrefresh`,
      `From: <${ROMEO}>;tag=theirs`,
      `To: <sip:${JULIET}>;tag=ours`,
      ...['Call-ID: c', 'CSeq: 2 SUBSCRIBE', 'Max-Forwards: 70', 'Contact: <sip:romeo@192.0.2.1>'],
      ...['Event: presence', 'Expires: 600', 'Content-Length: 0', '', ''],
    ].join('\r\n'),
    port,
  )
  await until(() => home.received.length > 0)
  expect(home.received[0]).toMatch(/^SIP\/2\.0 200 /)
})
