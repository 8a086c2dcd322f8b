// Keeps presence without end, in rounds; says of each that it is kept, once nothing of it waits.
// It is killed in the midst of it. argv: the place of the store as JSON, and what names begin with.
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../dist/kernel/clock.js'
import { TimerWheel } from '../../dist/kernel/timer-wheel.js'
import { openStore } from '../../dist/store/open.js'

const [place, prefix] = process.argv.slice(2)
const opened = await openStore(JSON.parse(place), {
  clock: systemClock,
  timers: new TimerWheel({ clock: systemClock }),
  onFault: console.error,
})
if (!opened.ok) throw new Error(opened.error.message)
const store = opened.value
console.log('open')

const ROUND = 2000
for (let i = 0; ; i++) {
  for (let k = 0; k < ROUND; k++) {
    const pair = { direction: 'in', xmpp: `juliet${k}@xmpp.example`, sip: `sip:${prefix}-${i}@sip.example` }
    store.keepAuthorization({ ...pair, state: 'granted', since: i })
    store.keepDialog({ ...pair, id: `${prefix}-${i}-${k}`, until: Date.now() + 1e9, body: '{"whole":true}' })
  }
  while (store.presenceStats().waiting > 0) await sleep(1)
  console.log(`committed ${prefix}-${i}`)
}
