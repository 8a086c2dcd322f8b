// Changes a store without end, each change with rows in several tables; says of each that it is committed, once it is.
// It is killed in the midst of it. argv: the place of the store as JSON, and what names begin with.
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

const PARTS = 20
for (let i = 0; ; i++) {
  const name = `${prefix}-${String(i).padStart(5, '0')}`
  const users = Array.from({ length: PARTS }, (_, k) => ({ user: `${name}-${k}`, domain: 'sip.example' }))
  const result = await store.change(
    { name, claimed: false },
    [
      {
        do: 'put',
        list: 'policies',
        row: { name, flags: { federation: true, publicIm: true, xmpp: true }, suspended: false },
      },
      ...users.flatMap((address) => [
        {
          do: 'put',
          list: 'users',
          row: {
            address,
            enabled: true,
            policy: name,
            privacy: { contactsOnly: false, hideNotes: false },
            suspended: false,
          },
        },
        {
          do: 'put-contact',
          user: address,
          list: 'allow',
          entry: { match: { kind: 'everyone' }, by: 'admin' },
        },
      ]),
      { do: 'suspend', list: 'policies', name, reason: 'test' },
    ],
    { check: () => ({ ok: true, value: undefined }) },
  )
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  for (let k = 0; k < 3; k++) {
    store.learn(users[k], { user: 'juliet', domain: 'xmpp.example' }, { lifetime: 1e9, perUser: 10 })
  }
  console.log(`committed ${name}`)
}
