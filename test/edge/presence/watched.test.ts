import { describe, expect, test } from 'vitest'
import { parseUri } from '../../../src/sip/uri-parse.ts'
import { xml } from '../../../src/xmpp/xml/element.ts'
import { ROMEO, sipResponse } from '../support.ts'
import { type Device, PAIR, priority, settled, show, status, WatchedBed } from './watched-bed.ts'

const WEEK = 604_800_000
const bodyOf = (device: Device): string => new TextDecoder().decode(device.notifies.at(-1)?.body)

/** Romeo's phone sees Juliet, who is on her balcony. */
async function watching(changes?: ConstructorParameters<typeof WatchedBed>[0]) {
  const bed = new WatchedBed(changes)
  const phone = bed.device('phone')
  await phone.subscribe(3600)
  await bed.granted()
  await bed.presence('balcony')
  await bed.pass(300)
  await bed.pass(6000)
  bed.stanzas.length = 0
  phone.notifies.length = 0
  return { bed, phone }
}

describe('what a SUBSCRIBE gets (RFC 6665 §4.2.1)', () => {
  test.for([
    ['an hour where it does not say', undefined, '200 3600'],
    ['never more than the longest', 7200, '200 3600'],
    ['what it asks for', 600, '200 600'],
    ['423 where that is too short', 30, '423 60'],
  ] as const)('%s', async ([, expires, answer]) => {
    const bed = new WatchedBed()
    const phone = bed.device()
    await phone.subscribe(expires)
    expect(phone.answers).toEqual([answer])
  })

  test('406 where it takes other documents only (RFC 3856 §6.5)', async () => {
    const bed = new WatchedBed()
    const phone = bed.device()
    await phone.subscribe(3600, [['Accept', 'application/xpidf+xml']])
    expect([phone.answers, bed.said]).toEqual([['406'], []])
  })

  test('503 where it would be one device too many', async () => {
    const bed = new WatchedBed({ devices: 2 })
    for (let i = 0; i < 2; i++) await bed.device().subscribe(3600)
    const third = bed.device()
    await third.subscribe(3600)
    expect([third.answers, bed.counters.get('presence.full')]).toEqual([['503 300'], 1])
  })

  test('481 within the dialog of another pair (RFC 8048 §8.2)', async () => {
    const { bed, phone } = await watching()
    bed.pair = { ...PAIR, sip: 'sip:tybalt@sip.example' }
    await phone.subscribe(3600)
    expect([phone.answers.at(-1), phone.told]).toEqual(['481', []])
  })
})

describe('an authorization', () => {
  test('24. sip-subscribe-gets-200-and-immediate-pending-notify, and `subscribe` with the name of From', async () => {
    const bed = new WatchedBed()
    const phone = bed.device()
    await phone.subscribe(3600)
    expect([phone.answers, phone.told, bed.said]).toEqual([['200 3600'], ['pending 3600'], ['subscribe']])
    const [stanza] = bed.stanzas
    expect([stanza?.attrs.from, stanza?.attrs.to]).toEqual([ROMEO, 'juliet@xmpp.example'])
    expect(stanza?.getChildText('nick', 'http://jabber.org/protocol/nick')).toBe('Romeo M.')
    expect(bed.kept).toEqual(['asked', 'dialog pending'])
  })

  test('somebody who may not know the name is not told it', async () => {
    const bed = new WatchedBed()
    bed.named = false
    await bed.device().subscribe(3600)
    expect(bed.said).toEqual(['subscribe'])
    expect(bed.stanzas[0]?.getChild('nick', 'http://jabber.org/protocol/nick')).toBeUndefined()
  })

  test('RFC 3856 §6.7: `active` holds the state that came along, of every device', async () => {
    const bed = new WatchedBed()
    const phone = bed.device()
    await phone.subscribe(3600)
    await bed.granted()
    for (const resource of ['balcony', 'chamber', 'church']) await bed.presence(resource)
    await bed.pass(200)
    expect(phone.told.slice(1)).toEqual(['active 3599: balcony open, chamber open, church open'])
    expect(bed.said).toEqual(['subscribe'])
  })

  test('a server that says `subscribed` alone is asked, and the answer does not wait for five seconds', async () => {
    const bed = new WatchedBed()
    const phone = bed.device()
    await phone.subscribe(3600)
    await bed.granted()
    await bed.pass(200)
    expect([phone.told.slice(1), bed.said]).toEqual([['active 3599'], ['subscribe', 'probe']])
    for (const resource of ['balcony', 'chamber']) await bed.presence(resource)
    await bed.pass(200)
    expect(phone.told.slice(2)).toEqual(['active 3599: balcony open, chamber open'])
  })

  test('several devices, one authorization: each hears the end of it', async () => {
    const { bed, phone } = await watching()
    const tablet = bed.device('tablet')
    await tablet.subscribe(600)
    expect([tablet.told, bed.said]).toEqual([['active 600: balcony open'], []])
    await bed.rejected()
    expect([phone.told.at(-1), tablet.told.at(-1)]).toEqual(['terminated rejected', 'terminated rejected'])
    expect([bed.exposure, bed.kept.includes('gone')]).toEqual([undefined, true])
  })

  test('after a refusal it is asked for anew', async () => {
    const { bed, phone } = await watching()
    await bed.rejected()
    phone.forget()
    await phone.subscribe(3600)
    expect([phone.told.at(-1), bed.said]).toEqual(['pending 3600', ['subscribe']])
  })

  test.for([
    ['item-not-found', 'cancel', 'rejected'],
    ['service-unavailable', 'cancel', 'rejected'],
    ['gone', 'cancel', 'rejected'],
    ['forbidden', 'auth', 'rejected'],
    ['policy-violation', 'modify', 'rejected'],
    ['policy-violation', 'wait', 'probation retry-after=300'],
    ['remote-server-not-found', 'cancel', 'probation retry-after=300'],
    ['remote-server-timeout', 'wait', 'probation retry-after=300'],
    ['internal-server-error', 'cancel', 'probation retry-after=300'],
    ['resource-constraint', 'wait', 'probation retry-after=300'],
  ] as const)('an error to our `subscribe`, %s of type %s: %s', async ([condition, type, reason]) => {
    const bed = new WatchedBed()
    const phone = bed.device()
    await phone.subscribe(3600)
    await bed.error(condition, type)
    expect(phone.told.at(-1)).toBe(`terminated ${reason}`)
  })

  test('pending does not last for ever, however many devices come and go', async () => {
    const bed = new WatchedBed()
    const [phone, tablet] = [bed.device('phone'), bed.device('tablet')]
    await phone.subscribe(3600)
    for (let passed = 0; passed < WEEK - 3_600_000; passed += 1_800_000) {
      await bed.pass(1_800_000)
      await phone.subscribe(3600)
    }
    await tablet.subscribe(3600)
    expect(tablet.told).toEqual(['pending 3600'])
    await bed.pass(1_799_000)
    await phone.subscribe(3600)
    await bed.pass(1_900_000)
    for (const device of [phone, tablet])
      expect(device.told.at(-1)).toBe('terminated giveup retry-after=86400')
    expect([bed.said.at(-1), bed.exposure, bed.kept.includes('gone')]).toEqual([
      'unsubscribe',
      undefined,
      true,
    ])
  })

  test('decided in time, nothing is given up', async () => {
    const { bed, phone } = await watching()
    for (let passed = 0; passed < WEEK; passed += 3_000_000) {
      await phone.subscribe(3600)
      await bed.pass(3_000_000)
    }
    expect(phone.told.every((told) => told.startsWith('active'))).toBe(true)
    expect(bed.said).toEqual([])
  })
})

describe('the state', () => {
  test('32. all-resources-in-one-document, those that have just gone closed', async () => {
    const { bed, phone } = await watching()
    await bed.presence('chamber', show('xa'), status('asleep'))
    await bed.pass(5000)
    await bed.presence('balcony', 'unavailable')
    await bed.pass(5000)
    expect(phone.told).toEqual([
      'active 3593: balcony open, chamber open xa asleep',
      'active 3588: chamber open xa asleep, balcony closed',
    ])
    await bed.pass(60_000)
    await phone.subscribe(3600)
    expect(phone.told.at(-1)).toBe('active 3600: chamber open xa asleep')
  })

  test('34. at-most-one-presence-notify-per-five-seconds, and the last one wins', async () => {
    const { bed, phone } = await watching()
    const at: number[] = []
    let seen = 0
    for (let i = 0; i < 400; i++) {
      await bed.pass(100)
      if (i < 200) await bed.presence('balcony', status(`${i}`))
      for (; seen < phone.notifies.length; seen++) at.push(bed.time.now())
    }
    expect(at.slice(1).every((time, i) => time - (at[i] ?? 0) >= 5000)).toBe(true)
    expect(at).toHaveLength(5)
    expect(phone.told.at(-1)).toContain('balcony open 199')
  })

  test('28. only-untyped-and-unavailable-presence-become-notify, and only once', async () => {
    const { bed, phone } = await watching()
    await bed.presence('balcony')
    await bed.pass(10_000)
    expect(phone.told).toEqual([])
  })

  test('an unavailable bare address means every device, also the second time', async () => {
    const { bed, phone } = await watching()
    for (let i = 0; i < 2; i++) {
      await bed.presence('', 'unavailable')
      await bed.pass(10_000)
      expect(phone.told.at(-1)).not.toContain('open')
      await bed.presence('balcony')
      await bed.pass(10_000)
      // Nor does it stay beside a device that is there.
      expect(phone.told.at(-1)).toMatch(/: balcony open$/)
    }
  })

  test('nor does what it said before count, once somebody has come', async () => {
    const { bed, phone } = await watching()
    await bed.presence('', 'unavailable')
    await bed.presence('balcony')
    await bed.presence('', 'unavailable')
    await bed.pass(5000)
    await phone.subscribe(3600)
    expect(phone.told.at(-1)).not.toContain('open')
  })

  test('29. negative-priority-is-not-mapped', async () => {
    const { bed, phone } = await watching()
    await bed.presence('balcony', priority(-1))
    await bed.pass(5000)
    expect(bodyOf(phone)).toContain('<contact>')
    await bed.presence('balcony', priority(126))
    await bed.pass(5000)
    expect(bodyOf(phone)).toContain('<contact priority="0.992">')
  })

  test('notes keep their languages, the stanza’s is Content-Language', async () => {
    const { bed, phone } = await watching()
    await bed.presence('balcony', status('here', 'en'), status('hier', 'de'))
    await bed.pass(5000)
    expect(bodyOf(phone)).toContain('<note xml:lang="en">here</note><note xml:lang="de">hier</note>')
  })

  test('timestamps never repeat, though the clock stands still', async () => {
    const { phone } = await watching()
    const stamps: (string | undefined)[] = []
    for (let i = 0; i < 5; i++) {
      await phone.subscribe(3600)
      stamps.push(/<timestamp>(.*?)<\/timestamp>/.exec(bodyOf(phone))?.[1])
    }
    expect(new Set(stamps).size).toBe(5)
    expect(stamps).not.toContain(undefined)
    expect([...stamps].sort()).toEqual(stamps)
  })

  test('36. presence-goes-only-to-the-addressee: directed presence opens nothing to somebody who waits', async () => {
    const bed = new WatchedBed()
    const phone = bed.device()
    await phone.subscribe(3600)
    await bed.presence('balcony')
    await bed.pass(60_000)
    expect(phone.told).toEqual(['pending 3600'])
    expect(bed.exposure?.state).toBeUndefined()
  })

  test('a NOTIFY that was held back says what is true when it goes', async () => {
    const { bed, phone } = await watching()
    const busy = sipResponse(503, '', [['Retry-After', '60']])
    bed.answer = () => ({ kind: 'response', response: busy })
    await bed.presence('balcony', show('away'))
    expect(phone.told).toHaveLength(1)
    bed.answer = () => ({ kind: 'response', response: sipResponse(200) })
    await bed.presence('balcony', show('dnd'))
    await bed.pass(59_000)
    expect(phone.told).toHaveLength(1)
    await bed.pass(1000)
    expect(phone.told.slice(1)).toEqual([expect.stringContaining('balcony open dnd')])
  })
})

describe('how it ends', () => {
  test('26. expires-zero-gives-closed-and-directed-unavailable-not-unsubscribe', async () => {
    const { bed, phone } = await watching()
    await phone.subscribe(0)
    expect([phone.answers.at(-1), phone.told, bed.said]).toEqual([
      '200 0',
      ['terminated timeout: balcony closed'],
      ['unavailable'],
    ])
    expect([bed.exposure?.authorization, bed.kept.at(-1)]).toEqual(['granted', 'dialog gone'])
  })

  test('no `unavailable` to somebody who sees the SIP user, nor while another device watches', async () => {
    const { bed, phone } = await watching()
    const tablet = bed.device('tablet')
    await tablet.subscribe(3600)
    await phone.subscribe(0)
    expect(bed.said).toEqual([])
    bed.seen = true
    await tablet.subscribe(0)
    expect(bed.said).toEqual([])
  })

  test('a watcher that is gone, by its answer or by its silence', async () => {
    const { bed, phone } = await watching()
    bed.answer = () => ({ kind: 'response', response: sipResponse(481) })
    await bed.presence('balcony', show('away'))
    expect([bed.said, bed.exposure?.watchers.length, phone.told.length]).toEqual([['unavailable'], 0, 1])
    const { bed: other } = await watching()
    other.answer = () => ({ kind: 'timeout' })
    await other.presence('balcony', show('away'))
    expect([other.said, other.exposure?.watchers.length]).toEqual([['unavailable'], 0])
  })
})

describe('a fetch (RFC 8048 §7.2)', () => {
  test('what is known is told at once', async () => {
    const { bed } = await watching()
    const desk = bed.device('desk')
    await desk.subscribe(0)
    expect([desk.answers, desk.told, bed.said]).toEqual([['200 0'], ['terminated timeout: balcony open'], []])
  })

  test('what is not known is asked for, and every device is in the answer', async () => {
    const bed = new WatchedBed()
    const desk = bed.device('desk')
    await desk.subscribe(0)
    expect([desk.answers, bed.said]).toEqual([[], ['probe']])
    for (const resource of ['balcony', 'chamber']) await bed.presence(resource, show('away'))
    await bed.pass(100)
    expect(desk.told).toEqual(['terminated timeout: balcony open away, chamber open away'])
    expect([bed.watched.wants(PAIR), bed.kept]).toEqual([false, []])
  })

  test('somebody who may not see it learns nothing, and as slowly whether or not the server says so', async () => {
    for (const refused of [true, false]) {
      const bed = new WatchedBed()
      const desk = bed.device('desk')
      await desk.subscribe(0)
      if (refused) await bed.rejected()
      await bed.pass(990)
      expect(desk.answers).toEqual([])
      await bed.pass(20)
      expect([desk.answers, desk.told]).toEqual([['200 0'], ['terminated timeout']])
    }
  })

  test('`unsubscribed` in answer to its probe does not refuse the subscription that follows', async () => {
    const bed = new WatchedBed()
    const [desk, phone] = [bed.device('desk'), bed.device('phone')]
    await desk.subscribe(0)
    await phone.subscribe(3600)
    await bed.rejected()
    expect([phone.told, bed.said]).toEqual([['pending 3600'], ['probe']])
    await bed.pass(1010)
    expect(bed.said).toEqual(['probe', 'subscribe'])
    await bed.rejected()
    expect(phone.told.at(-1)).toBe('terminated rejected')
  })

  test('where the link is down it is answered at once', async () => {
    const bed = new WatchedBed()
    bed.live = false
    const desk = bed.device('desk')
    await desk.subscribe(0)
    expect(desk.told).toEqual(['terminated timeout'])
  })

  test('not without limit', async () => {
    const bed = new WatchedBed({ devices: 2 })
    for (let i = 0; i < 2; i++) await bed.device().subscribe(0)
    const third = bed.device()
    await third.subscribe(0)
    expect([third.answers, bed.said]).toEqual([['503 300'], ['probe']])
  })
})

describe('the link goes and comes', () => {
  test('a state that is too old is closed at the next refresh, and told anew when it is known', async () => {
    const { bed, phone } = await watching()
    bed.live = false
    await phone.subscribe(3600)
    expect(phone.told.at(-1)).toBe('active 3600: balcony open')
    bed.stale = true
    await phone.subscribe(3600)
    expect(phone.told.at(-1)).toBe('active 3600: balcony closed')
    bed.live = true
    bed.stale = false
    await bed.renew()
    await bed.presence('balcony')
    await bed.pass(5000)
    expect([phone.told.at(-1), bed.said]).toEqual(['active 3595: balcony open', ['probe']])
    const before = phone.told.length
    await bed.presence('balcony')
    await bed.pass(6000)
    expect(phone.told).toHaveLength(before)
  })

  test('what the probe does not bring is gone', async () => {
    const { bed, phone } = await watching()
    await bed.presence('chamber')
    await bed.pass(5000)
    await bed.renew()
    await bed.presence('chamber')
    await bed.pass(9000)
    const before = phone.told.length
    await bed.pass(1000)
    expect(phone.told.slice(before)).toEqual([expect.stringContaining(': chamber open, balcony closed')])
  })

  test('nobody is gone because the link was lost again', async () => {
    const { bed, phone } = await watching()
    await bed.renew()
    bed.live = false
    await bed.pass(20_000)
    expect(phone.told).toEqual([])
    bed.live = true
    await bed.renew()
    await bed.pass(5000)
    await bed.renew()
    await bed.pass(5000)
    // The answer to the last probe is still on its way.
    expect(phone.told).toEqual([])
  })

  test('a status of the bare address hides no device that is there', async () => {
    const { bed, phone } = await watching()
    await bed.presence('', 'unavailable', status('good night'))
    await bed.pass(5000)
    await bed.presence('balcony')
    await bed.pass(5000)
    await bed.renew()
    await bed.presence('balcony')
    await bed.pass(20_000)
    await phone.subscribe(3600)
    expect(phone.told.at(-1)).toBe('active 3600: balcony open')
  })

  test('users whom nobody watches at the moment are asked as well: half a state looks like a whole one', async () => {
    const { bed, phone } = await watching()
    await phone.subscribe(0)
    bed.stanzas.length = 0
    await bed.renew()
    expect(bed.said).toEqual(['probe'])
  })
})

describe('another process goes on', () => {
  async function resumed(
    authorization: 'asked' | 'granted',
    kept: 'pending' | 'active',
    { since = 0, permitted = true } = {},
  ) {
    const bed = new WatchedBed()
    const { watched, time } = bed
    const exposure = watched.restore({ ...PAIR, state: authorization, since: time.wall() - since })
    const phone = bed.device('phone')
    const dialog = {
      callId: phone.callId,
      localTag: 'ours',
      remoteTag: 'phone',
      localUri: 'sip:juliet@xmpp.example',
      remoteUri: `sip:${ROMEO}`,
      localCSeq: 257,
      remoteCSeq: 0,
      routes: [],
      target: 'sip:romeo@192.0.2.1',
      secure: false,
    }
    const saved = {
      version: 1,
      dialog,
      event: 'presence',
      status: kept,
      until: time.wall() + 600_000,
    } as const
    expect(watched.resume(exposure, { saved, home: 'main', shown: [] })).toBe(true)
    if (permitted) watched.permit(exposure, 'main')
    await settled()
    return { bed, phone }
  }

  test('the watcher hears nothing until the state is known, and then all of it', async () => {
    const { bed, phone } = await resumed('granted', 'active')
    expect(phone.told).toEqual([])
    await bed.renew()
    for (const resource of ['balcony', 'chamber']) await bed.presence(resource)
    await bed.pass(200)
    expect([bed.said, phone.told]).toEqual([['probe'], ['active 599: balcony open, chamber open']])
    expect(phone.notifies[0]?.headers.get('CSeq')).toBe('258 NOTIFY')
    expect(parseUri('sip:romeo@192.0.2.1')).toMatchObject({ ok: true, value: phone.notifies[0]?.uri })
  })

  test('an answer that does not come: what the earlier process told is no longer true', async () => {
    const { bed, phone } = await resumed('granted', 'active')
    await bed.renew()
    await bed.pass(10_000)
    await bed.pass(200)
    expect(phone.told).toEqual(['active 589: closed'])
  })

  test('an answer that does not come from a server that cannot be reached says nothing', async () => {
    const { bed, phone } = await resumed('granted', 'active')
    await bed.renew()
    bed.away = 500
    await bed.pass(10_000)
    await bed.pass(200)
    expect([phone.told, bed.said]).toEqual([[], ['probe']])
  })

  test('a link that does not come up: closed at the next refresh', async () => {
    const { bed, phone } = await resumed('granted', 'active')
    bed.live = false
    bed.stale = true
    await bed.pass(600_000)
    expect(phone.told).toEqual(['terminated timeout: closed'])
  })

  test.for(['active', 'pending'] as const)(
    '%s: until the rules are asked the watcher hears nothing',
    async (kept) => {
      const { bed, phone } = await resumed('granted', kept, { permitted: false })
      await bed.granted()
      await bed.presence('balcony')
      await bed.pass(10_000)
      expect([bed.said, phone.told]).toEqual([[], []])
      const { exposure } = bed
      if (exposure !== undefined) bed.watched.refuse(exposure, false)
      await settled()
      expect(phone.told).toEqual(['terminated rejected'])
    },
  )

  test('granted while the process was about to end', async () => {
    const { phone } = await resumed('granted', 'pending')
    expect(phone.told).toEqual(['active 600'])
  })

  test('the time that somebody has waited counts', async () => {
    const { bed, phone } = await resumed('asked', 'pending', { since: WEEK - 60_000 })
    await bed.renew()
    expect(bed.said).toEqual(['subscribe'])
    await bed.pass(60_010)
    expect([phone.told, bed.said.at(-1)]).toEqual([['terminated giveup retry-after=86400'], 'unsubscribe'])
  })

  test('somebody who waits no more is forgotten by and by', async () => {
    const bed = new WatchedBed()
    bed.watched.restore({ ...PAIR, state: 'asked', since: bed.time.wall() })
    await bed.renew()
    expect(bed.said).toEqual([])
    await bed.pass(WEEK + 10)
    expect([bed.exposure, bed.said]).toEqual([undefined, ['unsubscribe']])
  })
})

test('a nick in presence is no stanza of its own', async () => {
  const { bed, phone } = await watching()
  await bed.presence(
    'balcony',
    xml('nick', { xmlns: 'http://jabber.org/protocol/nick' }, 'Juliet'),
    show('chat'),
  )
  await bed.pass(5000)
  expect(bodyOf(phone)).toContain('<cipid:display-name>Juliet</cipid:display-name>')
})
