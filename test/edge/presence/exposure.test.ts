import { describe, expect, test } from 'vitest'
import { type Device, priority, show, WatchedBed } from './watched-bed.ts'

/**
 * Juliet is watched by Romeo, as far as she lets him: every event in every state. A row says what goes to Juliet, what Romeo's phone
 * hears, and what is then the state, all within the second after the event.
 */
const STATES = {
  'nobody watches': async () => undefined,
  asked: async (_: WatchedBed, phone: Device) => {
    await phone.subscribe(3600)
  },
  'asked, the link is down': async (bed: WatchedBed, phone: Device) => {
    bed.live = false
    await phone.subscribe(3600)
  },
  'just granted': async (bed: WatchedBed, phone: Device) => {
    await phone.subscribe(3600)
    await bed.granted()
  },
  'granted, nothing is known': async (bed: WatchedBed, phone: Device) => {
    await phone.subscribe(3600)
    await bed.granted()
    await bed.pass(300)
    await bed.pass(6000)
  },
  'granted, open': async (bed: WatchedBed, phone: Device) => {
    await phone.subscribe(3600)
    await bed.granted()
    await bed.presence('balcony')
    await bed.pass(300)
    await bed.pass(6000)
  },
  'granted, nobody watches any more': async (bed: WatchedBed, phone: Device) => {
    await phone.subscribe(3600)
    await bed.granted()
    await bed.presence('balcony')
    await bed.pass(300)
    await bed.pass(6000)
    await phone.subscribe(0)
  },
  'forbidden for a while': async (bed: WatchedBed, phone: Device) => {
    await phone.subscribe(3600)
    await bed.granted()
    await bed.presence('balcony')
    await bed.pass(300)
    await bed.pass(6000)
    const { exposure } = bed
    if (exposure !== undefined) bed.watched.refuse(exposure, true)
  },
}

const EVENTS = {
  'another device': (bed) => bed.device('tablet').subscribe(3600),
  refresh: (_, phone) => phone.subscribe(3600),
  leaves: (_, phone) => phone.subscribe(0),
  fetch: (bed) => bed.device('desk').subscribe(0),
  subscribed: (bed) => bed.granted(),
  unsubscribed: (bed) => bed.rejected(),
  away: (bed) => bed.presence('balcony', show('away'), priority(-1)),
  gone: (bed) => bed.presence('balcony', 'unavailable'),
  'nobody there': (bed) => bed.presence('', 'unavailable'),
  'error, for good': (bed) => bed.error('item-not-found', 'cancel'),
  'error, for a while': (bed) => bed.error('remote-server-not-found', 'cancel'),
  'error, to another stanza': (bed) => bed.error('item-not-found', 'cancel', 'other'),
  'link is back': (bed) => {
    bed.live = true
    return bed.renew()
  },
  'an hour without refresh': async (bed) => {
    await bed.pass(300)
    await bed.pass(3_600_000)
  },
  forbidden: async (bed) => {
    const { exposure } = bed
    if (exposure !== undefined) bed.watched.refuse(exposure, false)
  },
  'forbidden for a while': async (bed) => {
    const { exposure } = bed
    if (exposure !== undefined) bed.watched.refuse(exposure, true)
  },
  'permitted again': async (bed) => {
    const { exposure } = bed
    if (exposure !== undefined) bed.watched.permit(exposure, 'main')
  },
} as const satisfies Record<string, (bed: WatchedBed, phone: Device) => Promise<unknown>>

type State = keyof typeof STATES
type Event = keyof typeof EVENTS

async function happens(state: State, event: Event): Promise<string> {
  const bed = new WatchedBed()
  const phone = bed.device('phone')
  await STATES[state](bed, phone)
  await bed.pass(0)
  const said = bed.said.length
  const heard = new Map(bed.devices.map((device) => [device, [device.told.length, device.answers.length]]))
  await EVENTS[event](bed, phone)
  await bed.pass(1)
  for (let i = 0; i < 100; i++) await bed.pass(10)
  const parts = [
    bed.said
      .slice(said)
      .map((word) => `says ${word}`)
      .join(', '),
  ]
  for (const device of bed.devices) {
    const [told = 0, answers = 0] = heard.get(device) ?? []
    const words = [...device.answers.slice(answers), ...device.told.slice(told)]
    if (words.length > 0) parts.push(`${device === phone ? 'phone' : 'other'} hears ${words.join('; ')}`)
  }
  const { exposure } = bed
  parts.push(
    exposure === undefined
      ? 'nothing is left'
      : `${exposure.authorization}, ${exposure.watchers.length} watching`,
  )
  expect(bed.faults).toEqual([])
  return parts.filter((part) => part !== '').join(' | ')
}

const ROWS: Record<State, Record<Event, string>> = {
  'nobody watches': {
    'another device': 'says subscribe | other hears 200 3600; pending 3600 | asked, 1 watching',
    refresh: 'says subscribe | phone hears 200 3600; pending 3600 | asked, 1 watching',
    leaves: 'says probe | phone hears 200 0; terminated timeout | nothing is left',
    fetch: 'says probe | other hears 200 0; terminated timeout | nothing is left',
    subscribed: 'nothing is left',
    unsubscribed: 'nothing is left',
    away: 'nothing is left',
    gone: 'nothing is left',
    'nobody there': 'nothing is left',
    'error, for good': 'nothing is left',
    'error, for a while': 'nothing is left',
    'error, to another stanza': 'nothing is left',
    'link is back': 'nothing is left',
    'an hour without refresh': 'nothing is left',
    forbidden: 'nothing is left',
    'forbidden for a while': 'nothing is left',
    'permitted again': 'nothing is left',
  },
  asked: {
    'another device': 'says subscribe | other hears 200 3600; pending 3600 | asked, 2 watching',
    refresh: 'phone hears 200 3600; pending 3600 | asked, 1 watching',
    leaves: 'says unavailable | phone hears 200 0; terminated timeout | nothing is left',
    fetch: 'other hears 200 0; terminated timeout | asked, 1 watching',
    subscribed: 'says probe | phone hears active 3599 | granted, 1 watching',
    unsubscribed: 'phone hears terminated rejected | nothing is left',
    away: 'asked, 1 watching',
    gone: 'asked, 1 watching',
    'nobody there': 'asked, 1 watching',
    'error, for good': 'phone hears terminated rejected | nothing is left',
    'error, for a while': 'phone hears terminated probation retry-after=300 | nothing is left',
    'error, to another stanza': 'asked, 1 watching',
    'link is back': 'says subscribe | asked, 1 watching',
    'an hour without refresh': 'says unavailable | phone hears terminated timeout | nothing is left',
    forbidden: 'says unsubscribe | phone hears terminated rejected | nothing is left',
    'forbidden for a while': 'phone hears terminated probation retry-after=300 | nothing is left',
    'permitted again': 'asked, 1 watching',
  },
  'asked, the link is down': {
    'another device': 'other hears 200 3600; pending 3600 | asked, 2 watching',
    refresh: 'phone hears 200 3600; pending 3600 | asked, 1 watching',
    leaves: 'phone hears 200 0; terminated timeout | nothing is left',
    fetch: 'other hears 200 0; terminated timeout | asked, 1 watching',
    subscribed: 'phone hears active 3599 | granted, 1 watching',
    unsubscribed: 'phone hears terminated rejected | nothing is left',
    away: 'asked, 1 watching',
    gone: 'asked, 1 watching',
    'nobody there': 'asked, 1 watching',
    'error, for good': 'asked, 1 watching',
    'error, for a while': 'asked, 1 watching',
    'error, to another stanza': 'asked, 1 watching',
    'link is back': 'says subscribe | asked, 1 watching',
    'an hour without refresh': 'phone hears terminated timeout | nothing is left',
    forbidden: 'phone hears terminated rejected | nothing is left',
    'forbidden for a while': 'phone hears terminated probation retry-after=300 | nothing is left',
    'permitted again': 'asked, 1 watching',
  },
  'just granted': {
    'another device':
      'says probe | phone hears active 3599 | other hears 200 3600; active 3600 | granted, 2 watching',
    refresh: 'says probe | phone hears 200 3600; pending 3600; active 3599 | granted, 1 watching',
    leaves: 'says unavailable, says probe | phone hears 200 0; terminated timeout | granted, 0 watching',
    fetch:
      'says probe, says probe | phone hears active 3599 | other hears 200 0; terminated timeout | granted, 1 watching',
    subscribed: 'says probe | phone hears active 3599 | granted, 1 watching',
    unsubscribed: 'phone hears terminated rejected | nothing is left',
    away: 'phone hears active 3599: balcony open away | granted, 1 watching',
    gone: 'phone hears active 3599: balcony closed | granted, 1 watching',
    'nobody there': 'phone hears active 3599: closed | granted, 1 watching',
    'error, for good': 'says probe | phone hears active 3599 | granted, 1 watching',
    'error, for a while': 'says probe | phone hears active 3599 | granted, 1 watching',
    'error, to another stanza': 'says probe | phone hears active 3599 | granted, 1 watching',
    'link is back': 'says probe | phone hears active 3599 | granted, 1 watching',
    'an hour without refresh':
      'says probe, says unavailable | phone hears active 3599; terminated timeout: closed | granted, 0 watching',
    forbidden: 'says unsubscribe | phone hears terminated rejected | nothing is left',
    'forbidden for a while': 'phone hears terminated probation retry-after=300 | granted, 0 watching',
    'permitted again': 'says probe | phone hears active 3599 | granted, 1 watching',
  },
  'granted, nothing is known': {
    'another device': 'says probe | other hears 200 3600; active 3600 | granted, 2 watching',
    refresh: 'phone hears 200 3600; active 3600 | granted, 1 watching',
    leaves: 'says unavailable | phone hears 200 0; terminated timeout: closed | granted, 0 watching',
    fetch: 'says probe | other hears 200 0; terminated timeout | granted, 1 watching',
    subscribed: 'granted, 1 watching',
    unsubscribed: 'phone hears terminated rejected | nothing is left',
    away: 'phone hears active 3593: balcony open away | granted, 1 watching',
    gone: 'phone hears active 3593: balcony closed | granted, 1 watching',
    'nobody there': 'phone hears active 3593: closed | granted, 1 watching',
    'error, for good': 'granted, 1 watching',
    'error, for a while': 'granted, 1 watching',
    'error, to another stanza': 'granted, 1 watching',
    'link is back': 'says probe | granted, 1 watching',
    'an hour without refresh':
      'says unavailable | phone hears terminated timeout: closed | granted, 0 watching',
    forbidden: 'says unsubscribe | phone hears terminated rejected | nothing is left',
    'forbidden for a while': 'phone hears terminated probation retry-after=300 | granted, 0 watching',
    'permitted again': 'granted, 1 watching',
  },
  'granted, open': {
    'another device': 'other hears 200 3600; active 3600: balcony open | granted, 2 watching',
    refresh: 'phone hears 200 3600; active 3600: balcony open | granted, 1 watching',
    leaves: 'says unavailable | phone hears 200 0; terminated timeout: balcony closed | granted, 0 watching',
    fetch: 'other hears 200 0; terminated timeout: balcony open | granted, 1 watching',
    subscribed: 'granted, 1 watching',
    unsubscribed: 'phone hears terminated rejected | nothing is left',
    away: 'phone hears active 3593: balcony open away | granted, 1 watching',
    gone: 'phone hears active 3593: balcony closed | granted, 1 watching',
    'nobody there': 'phone hears active 3593: balcony closed, closed | granted, 1 watching',
    'error, for good': 'granted, 1 watching',
    'error, for a while': 'granted, 1 watching',
    'error, to another stanza': 'granted, 1 watching',
    'link is back': 'says probe | granted, 1 watching',
    'an hour without refresh':
      'says unavailable | phone hears terminated timeout: balcony closed | granted, 0 watching',
    forbidden: 'says unsubscribe | phone hears terminated rejected | nothing is left',
    'forbidden for a while': 'phone hears terminated probation retry-after=300 | granted, 0 watching',
    'permitted again': 'granted, 1 watching',
  },
  'granted, nobody watches any more': {
    'another device': 'other hears 200 3600; active 3600: balcony open | granted, 1 watching',
    refresh: 'phone hears 481 | granted, 0 watching',
    leaves: 'phone hears 481 | granted, 0 watching',
    fetch: 'other hears 200 0; terminated timeout: balcony open | granted, 0 watching',
    subscribed: 'granted, 0 watching',
    unsubscribed: 'nothing is left',
    away: 'granted, 0 watching',
    gone: 'granted, 0 watching',
    'nobody there': 'granted, 0 watching',
    'error, for good': 'granted, 0 watching',
    'error, for a while': 'granted, 0 watching',
    'error, to another stanza': 'granted, 0 watching',
    'link is back': 'says probe | granted, 0 watching',
    'an hour without refresh': 'granted, 0 watching',
    forbidden: 'says unsubscribe | nothing is left',
    'forbidden for a while': 'granted, 0 watching',
    'permitted again': 'granted, 0 watching',
  },
  'forbidden for a while': {
    'another device': 'says probe | other hears 200 3600; active 3600 | granted, 1 watching',
    refresh: 'phone hears 481 | granted, 0 watching',
    leaves: 'phone hears 481 | granted, 0 watching',
    fetch: 'says probe | other hears 200 0; terminated timeout | granted, 0 watching',
    subscribed: 'granted, 0 watching',
    unsubscribed: 'nothing is left',
    away: 'granted, 0 watching',
    gone: 'granted, 0 watching',
    'nobody there': 'granted, 0 watching',
    'error, for good': 'granted, 0 watching',
    'error, for a while': 'granted, 0 watching',
    'error, to another stanza': 'granted, 0 watching',
    'link is back': 'granted, 0 watching',
    'an hour without refresh': 'granted, 0 watching',
    forbidden: 'says unsubscribe | nothing is left',
    'forbidden for a while': 'granted, 0 watching',
    'permitted again': 'granted, 0 watching',
  },
}

for (const [state, events] of Object.entries(ROWS)) {
  describe(state, () => {
    test.for(Object.entries(events))('%s', async ([event, expected]) => {
      expect(await happens(state as State, event as Event)).toBe(expected)
    })
  })
}
