import { describe, expect, test } from 'vitest'
import { BALCONY, OutRig, PAIR, pidf, type Subscribed } from './out-rig.ts'

/** A watch in one of its states, and the last SUBSCRIBE that was sent for it. */
type State = () => Promise<{ readonly rig: OutRig; readonly last: Subscribed | undefined }>

const HERE = pidf({ orchard: 'open' })

const none: State = async () => ({ rig: new OutRig(), last: undefined })
const waiting: State = async () => {
  const rig = new OutRig()
  rig.subscribe()
  return { rig, last: await rig.next() }
}
const pending: State = async () => {
  const { rig, last } = await waiting()
  last?.answer(200, [['Expires', '3600']])
  last?.notify('pending;expires=3600', HERE)
  return { rig, last }
}
const active: State = async () => {
  const rig = new OutRig()
  return { rig, last: await rig.seeing() }
}
const lost: State = async () => {
  const { rig, last } = await active()
  last?.notify('terminated;reason=probation')
  rig.told()
  return { rig, last }
}
const told: State = async () => {
  const { rig, last } = await active()
  last?.notify('terminated;reason=probation;retry-after=7200')
  rig.told()
  return { rig, last }
}
const invariant: State = async () => {
  const { rig, last } = await active()
  last?.notify('terminated;reason=invariant')
  rig.told()
  return { rig, last }
}
const left = (how: (rig: OutRig) => void, from: State = active): State => {
  return async () => {
    const { rig } = await from()
    how(rig)
    rig.told()
    return { rig, last: await rig.next() }
  }
}
const gone = (state: State): State => {
  return async () => {
    const { rig, last } = await state()
    last?.answer(200)
    last?.notify('terminated;reason=timeout')
    rig.told()
    return { rig, last }
  }
}
const unsubscribing = left((rig) => rig.unsubscribe())
const falling = left((rig) => rig.presence(false))
const dormant = gone(falling)
const refusing = left((rig) => rig.watching.refuse(rig.watch(), true))
const refused = gone(refusing)

const EVENTS: Record<string, (rig: OutRig, last: Subscribed | undefined) => void> = {
  subscribe: (rig) => rig.subscribe('s2'),
  probe: (rig) => rig.probe(),
  unsubscribe: (rig) => {
    rig.unsubscribe()
    // What is over is told a second later.
    rig.pass(1000)
  },
  absent: (rig) => rig.presence(false),
  present: (rig) => {
    rig.presence(false)
    rig.presence(true)
  },
  forbidden: (rig) => {
    const watch = rig.watching.find(PAIR)
    if (watch) rig.watching.refuse(watch, false)
  },
  suspended: (rig) => {
    const watch = rig.watching.find(PAIR)
    if (watch) rig.watching.refuse(watch, true)
  },
  renewed: (rig) => {
    const watch = rig.watching.find(PAIR)
    if (watch) {
      rig.watching.renew(watch)
      rig.watching.wake(watch)
    }
  },
}

/** What goes to the notifier at once; what Juliet is told; what remains of the watch. */
type Row = readonly [sip: string, xmpp: string, after: string]

const ROWS: Record<string, [State, Record<string, Row>]> = {
  'no watch': [
    none,
    {
      subscribe: ['anew 3600', '', 'asked, subscribed'],
      probe: ['anew 0', '', 'none'],
      unsubscribe: ['', 'unsubscribed', 'none'],
      absent: ['', '', 'none'],
      present: ['', '', 'none'],
      forbidden: ['', '', 'none'],
      suspended: ['', '', 'none'],
      renewed: ['', '', 'none'],
    },
  ],
  'SUBSCRIBE is sent': [
    waiting,
    {
      subscribe: ['', '', 'asked, subscribed'],
      probe: ['', '', 'asked, subscribed'],
      unsubscribe: ['', '', 'asked, leaving (unsubscribe)'],
      absent: ['', '', 'asked, subscribed, away'],
      present: ['', '', 'asked, subscribed'],
      forbidden: ['', 'unsubscribed', 'none'],
      suspended: ['', '', 'asked, leaving (refused), refused'],
      renewed: ['', '', 'asked, subscribed'],
    },
  ],
  pending: [
    pending,
    {
      subscribe: ['', '', 'asked, subscribed'],
      probe: ['', '', 'asked, subscribed'],
      unsubscribe: ['within 0', '', 'asked, leaving (unsubscribe)'],
      absent: ['', '', 'asked, subscribed, away'],
      present: ['', '', 'asked, subscribed'],
      forbidden: ['within 0', 'unsubscribed', 'none'],
      suspended: ['within 0', '', 'asked, leaving (refused), refused'],
      renewed: ['', '', 'asked, subscribed'],
    },
  ],
  active: [
    active,
    {
      subscribe: ['', 'subscribed; orchard', 'granted, subscribed'],
      probe: ['', `orchard > ${BALCONY}`, 'granted, subscribed'],
      unsubscribe: ['within 0', '', 'granted, leaving (unsubscribe)'],
      absent: ['within 0', '', 'granted, leaving (absent), away'],
      present: ['within 0', '', 'granted, leaving (absent), again'],
      forbidden: ['within 0', 'orchard unavailable; unsubscribed', 'none'],
      suspended: ['within 0', 'orchard unavailable', 'granted, leaving (refused), refused'],
      renewed: ['', 'orchard', 'granted, subscribed'],
    },
  ],
  'lost, tried again later': [
    lost,
    {
      subscribe: ['anew 3600', 'subscribed', 'granted, subscribed'],
      probe: ['anew 3600', '', 'granted, subscribed'],
      unsubscribe: ['', 'unsubscribed', 'none'],
      absent: ['', '', 'granted, away'],
      present: ['anew 3600', '', 'granted, subscribed'],
      forbidden: ['', 'unsubscribed', 'none'],
      suspended: ['', '', 'granted, refused'],
      renewed: ['', '', 'granted, retry'],
    },
  ],
  'lost, and the notifier said when': [
    told,
    {
      subscribe: ['', 'subscribed', 'granted, retry'],
      probe: ['', '', 'granted, retry'],
      unsubscribe: ['', 'unsubscribed', 'none'],
      absent: ['', '', 'granted, away'],
      present: ['', '', 'granted, retry'],
      forbidden: ['', 'unsubscribed', 'none'],
      suspended: ['', '', 'granted, refused'],
      renewed: ['', '', 'granted, retry'],
    },
  ],
  'lost, since nothing will change': [
    invariant,
    {
      subscribe: ['anew 3600', 'subscribed; orchard', 'granted, subscribed'],
      probe: ['', `orchard > ${BALCONY}`, 'granted'],
      unsubscribe: ['', 'orchard unavailable; unsubscribed', 'none'],
      absent: ['', '', 'granted, away'],
      present: ['', 'orchard', 'granted'],
      forbidden: ['', 'orchard unavailable; unsubscribed', 'none'],
      suspended: ['', 'orchard unavailable', 'granted, refused'],
      renewed: ['', 'orchard', 'granted'],
    },
  ],
  unsubscribing: [
    unsubscribing,
    {
      subscribe: ['', '', 'granted, leaving (unsubscribe), again'],
      probe: ['', '', 'granted, leaving (unsubscribe)'],
      unsubscribe: ['', '', 'granted, leaving (unsubscribe)'],
      absent: ['', '', 'granted, leaving (unsubscribe), away'],
      present: ['', '', 'granted, leaving (unsubscribe)'],
      forbidden: ['', 'orchard unavailable; unsubscribed', 'none'],
      suspended: ['', 'orchard unavailable', 'granted, leaving (unsubscribe), refused'],
      renewed: ['', '', 'granted, leaving (unsubscribe)'],
    },
  ],
  'going dormant': [
    falling,
    {
      subscribe: ['', 'subscribed', 'granted, leaving (absent), again'],
      probe: ['', '', 'granted, leaving (absent), again'],
      unsubscribe: ['', '', 'granted, leaving (unsubscribe), away'],
      absent: ['', '', 'granted, leaving (absent), away'],
      present: ['', '', 'granted, leaving (absent), again'],
      forbidden: ['', 'unsubscribed', 'none'],
      suspended: ['', '', 'granted, leaving (absent), refused, away'],
      renewed: ['', '', 'granted, leaving (absent), away'],
    },
  ],
  dormant: [
    dormant,
    {
      subscribe: ['anew 3600', 'subscribed', 'granted, subscribed'],
      probe: ['anew 3600', '', 'granted, subscribed'],
      unsubscribe: ['', 'unsubscribed', 'none'],
      absent: ['', '', 'granted, away'],
      present: ['anew 3600', '', 'granted, subscribed'],
      forbidden: ['', 'unsubscribed', 'none'],
      suspended: ['', '', 'granted, refused, away'],
      renewed: ['', '', 'granted, away'],
    },
  ],
  'being ended by the rules': [
    refusing,
    {
      subscribe: ['', 'subscribed', 'granted, leaving (refused), again'],
      probe: ['', '', 'granted, leaving (refused), again'],
      unsubscribe: ['', '', 'granted, leaving (unsubscribe), refused'],
      absent: ['', '', 'granted, leaving (refused), refused, away'],
      present: ['', '', 'granted, leaving (refused), refused'],
      forbidden: ['', 'unsubscribed', 'none'],
      suspended: ['', '', 'granted, leaving (refused), refused'],
      renewed: ['', '', 'granted, leaving (refused), refused'],
    },
  ],
  'ended by the rules': [
    refused,
    {
      subscribe: ['anew 3600', 'subscribed', 'granted, subscribed'],
      probe: ['anew 3600', '', 'granted, subscribed'],
      unsubscribe: ['', 'unsubscribed', 'none'],
      absent: ['', '', 'granted, refused, away'],
      present: ['', '', 'granted, refused'],
      forbidden: ['', 'unsubscribed', 'none'],
      suspended: ['', '', 'granted, refused'],
      renewed: ['', '', 'granted, refused'],
    },
  ],
}

const after = (rig: OutRig): string => {
  const watch = rig.watching.find(PAIR)
  if (watch === undefined) return 'none'
  const { authorization, subscription, leaving, again, retry, refused: no, present } = watch
  return [
    authorization,
    subscription === undefined ? '' : leaving === undefined ? 'subscribed' : `leaving (${leaving})`,
    again ? 'again' : '',
    retry === undefined ? '' : 'retry',
    no ? 'refused' : '',
    present ? '' : 'away',
  ]
    .filter((part) => part !== '')
    .join(', ')
}

for (const [name, [state, events]] of Object.entries(ROWS)) {
  describe(name, () => {
    test.for(Object.keys(EVENTS))('%s', async (event) => {
      const { rig, last } = await state()
      EVENTS[event]?.(rig, last)
      const sip = (await rig.asked()).map((one) => `${one.first ? 'anew' : 'within'} ${one.expires}`)
      const row: Row = [sip.join('; '), rig.told().join('; '), after(rig)]
      expect(row).toEqual(events[event])
      expect(rig.faults).toEqual([])
    })
  })
}
