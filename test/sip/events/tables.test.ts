import { describe, expect, test } from 'vitest'
import { err } from '../../../src/kernel/result.ts'
import type { SavedSubscription } from '../../../src/sip/events/saved.ts'
import { readSaved } from '../../../src/sip/events/saved.ts'
import { until } from '../endpoint/bed.ts'
import { heard, ManualTime, notifierSide, pair, place, subscriberSide } from './bed.ts'

const only = (saved: ReadonlyMap<string, SavedSubscription>): SavedSubscription => {
  const read = readSaved(JSON.parse(JSON.stringify([...saved.values()][0])))
  if (!read.ok) throw new Error(read.error)
  return read.value
}

describe('from SUBSCRIBE to the last NOTIFY', () => {
  test('24. pending, active, a changed state, a refresh, and the end by the watcher', async () => {
    const { time, juliet, romeo } = await pair()
    romeo.offered = (offer) => void offer.accept('pending', 'watcher')
    const subscription = juliet.subscribe()
    await heard(juliet, 'pending')
    const first = juliet.place.requests[0]?.request
    expect(first?.headers.get('Subscription-State')).toBe('pending;expires=3600')
    expect(first?.body).toHaveLength(0)

    romeo.only().grant()
    await heard(juliet, 'pending', 'active', 'open')
    time.pass(5000)
    romeo.document = 'busy'
    romeo.only().changed()
    await heard(juliet, 'pending', 'active', 'open', 'busy')

    // A refresh has its own answer and its own NOTIFY.
    time.pass(3_300_000)
    await heard(juliet, 'pending', 'active', 'open', 'busy', 'busy')
    expect(romeo.list).toEqual(['refreshed'])
    expect(juliet.place.requests.at(-1)?.request.headers.get('Subscription-State')).toBe(
      'active;expires=3600',
    )

    await until(() => juliet.subscriptions.saved(subscription)?.until === time.wall() + 3_600_000)
    subscription.leave()
    await heard(juliet, 'pending', 'active', 'open', 'busy', 'busy', 'left', 'ended left, kept, never')
    expect(romeo.list).toEqual(['refreshed', 'ended left'])
    const last = juliet.place.requests.at(-1)?.request
    expect(last?.headers.get('Subscription-State')).toBe('terminated;reason=timeout')
    // 26. the last state is closed, for whoever leaves
    expect(Buffer.from(last?.body ?? []).toString()).toBe('closed')
    await until(() => romeo.watchers.size === 0)
    expect([juliet.subscriptions.size, juliet.saved.size, romeo.saved.size]).toEqual([0, 0, 0])
    expect([...juliet.faults, ...romeo.faults]).toEqual([])
  })

  test('25. refusal-gives-terminated-rejected, without the state', async () => {
    const { juliet, romeo } = await pair()
    romeo.offered = (offer) => void offer.accept('active', 'watcher')
    juliet.subscribe()
    await heard(juliet, 'active', 'open')
    romeo.only().end('rejected')
    await heard(juliet, 'active', 'open', 'ended terminated rejected, lost, never')
    expect(juliet.place.requests.at(-1)?.request.body).toHaveLength(0)
  })

  test('refused at once: 403, 603 and 489 lose the authorization', async () => {
    const { juliet, romeo } = await pair()
    romeo.offered = (offer) => offer.refuse(403)
    juliet.subscribe()
    await heard(juliet, 'ended refused 403, lost, never')
    romeo.offered = (offer) => offer.refuse(603)
    juliet.subscribe()
    await until(() => juliet.list.includes('ended refused 603, lost, never'))
    juliet.subscribe({ event: { package: 'weather', id: undefined } })
    await until(() => juliet.list.includes('ended refused 489, lost, never'))
    expect([romeo.watchers.size, juliet.subscriptions.size]).toEqual([0, 0])
  })

  test('27. refresh-without-known-state-is-empty, and the last state stays', async () => {
    const { juliet, romeo } = await pair()
    const subscription = juliet.subscribe()
    await heard(juliet, 'active', 'open')
    romeo.document = undefined
    await until(() => juliet.subscriptions.saved(subscription) !== undefined)
    await until(() => subscription.state.kind === 'established')
    subscription.refresh()
    await until(() => juliet.place.requests.length === 2)
    expect(juliet.place.requests[1]?.request.body).toHaveLength(0)
    expect(juliet.list).toEqual(['active', 'open'])
  })

  test('35. probe-is-a-new-dialog-with-expires-zero', async () => {
    const { juliet, romeo } = await pair()
    juliet.subscribe({ expires: 0 })
    await heard(juliet, 'open', 'ended fetched, kept, never')
    expect(romeo.list).toEqual(['ended fetched'])
    await until(() => romeo.watchers.size === 0)
    expect([juliet.saved.size, romeo.saved.size]).toEqual([0, 0])
    // Whoever may not know it gets an end and nothing else.
    romeo.offered = (offer) => void offer.accept('pending', 'watcher')
    juliet.subscribe({ expires: 0 })
    await heard(juliet, 'open', 'ended fetched, kept, never', 'ended fetched, kept, never')
  })

  test('34. at-most-one-presence-notify-per-five-seconds: the last of many states', async () => {
    const { time, juliet, romeo } = await pair()
    juliet.subscribe()
    await heard(juliet, 'active', 'open')
    for (const state of ['one', 'two', 'three']) {
      romeo.document = state
      romeo.only().changed()
      time.pass(1000)
    }
    expect(juliet.place.requests).toHaveLength(1)
    await until(() => {
      time.pass(1000)
      return juliet.list.length > 2
    })
    expect(juliet.list).toEqual(['active', 'open', 'three'])
  })

  test('§4.2.1.4: whoever does not refresh is told that it is over', async () => {
    const { time, juliet, romeo } = await pair({ subscriber: { owner: { save: () => {} } } })
    juliet.subscribe()
    await heard(juliet, 'active', 'open')
    juliet.subscriptions.close()
    time.pass(3_600_000)
    await heard(romeo, 'ended expired')
    await until(() => juliet.place.requests.length === 2)
    expect(juliet.place.requests[1]?.request.headers.get('Subscription-State')).toBe(
      'terminated;reason=timeout',
    )
    // Nobody knows it there: 481.
    await until(() => romeo.watchers.size === 0)
    expect(juliet.subscriptions.stats().unmatched).toBe(1)
  })

  test('§4.1.2.4: without a NOTIFY Timer N ends it', async () => {
    const { time, juliet, romeo } = await pair({ notifier: { owner: { hops: () => [] } } })
    juliet.subscribe()
    await until(() => romeo.watchers.size === 1)
    time.pass(32_000)
    await heard(juliet, 'ended no-notify, kept, after 300')
  })

  test('423 is followed with Min-Expires, and a long wish is shortened', async () => {
    const { time, juliet } = await pair({
      notifier: { options: { intake: { shortest: 120, longest: 600 } } },
    })
    const brief = juliet.subscribe({ expires: 10 })
    await heard(juliet, 'active', 'open')
    await until(() => brief.state.kind === 'established')
    expect(juliet.subscriptions.saved(brief)?.until).toBe(time.wall() + 120_000)
    const long = juliet.subscribe({ expires: 86_400 })
    await until(() => long.state.kind === 'established')
    expect(juliet.subscriptions.saved(long)?.until).toBe(time.wall() + 600_000)
  })

  test('the next place is tried where the first one does not answer', async () => {
    const { juliet, romeo } = await pair({
      subscriber: {
        owner: {
          hops: async () => [{ transport: 'tcp', address: '127.0.0.1', port: 9 }, romeoHop()],
        },
      },
    })
    const romeoHop = () => romeo.place.hop
    juliet.subscribe()
    await heard(juliet, 'active', 'open')
  })

  test('whoever throws, or knows no place, loses one subscription and nothing else', async () => {
    const { juliet } = await pair({
      subscriber: {
        owner: {
          fields: ({ data }) => {
            if (data === 'bad') throw new Error('no contact')
            return [['Contact', '<sip:a@127.0.0.1>']]
          },
          hops: ({ uri }) => (uri.scheme === 'sip' ? Promise.reject(new Error('no DNS')) : []),
        },
      },
    })
    juliet.subscribe({ data: 'bad' })
    await heard(juliet, 'ended no-answer transport-failure, kept, after 300')
    juliet.subscribe()
    await until(() => juliet.list.length === 2)
    expect(juliet.faults).toEqual([new Error('no contact')])
    expect(juliet.subscriptions.size).toBe(0)
  })

  test('an owner may act on what it is told, at once', async () => {
    const { juliet, romeo } = await pair({
      subscriber: { owner: { state: (_, subscription) => subscription.leave() } },
      notifier: { owner: { ended: (_, watcher) => watcher.end('rejected') } },
    })
    const subscription = juliet.subscribe()
    await heard(juliet, 'active', 'left', 'ended left, kept, never')
    await until(() => romeo.watchers.size === 0)
    subscription.leave()
    subscription.refresh()
    expect(juliet.list).toEqual(['active', 'left', 'ended left, kept, never'])
    expect([...juliet.faults, ...romeo.faults]).toEqual([])
  })

  test('a body that cannot be taken is refused; what the NOTIFY says of the subscription counts', async () => {
    const { juliet, romeo } = await pair({
      subscriber: {
        owner: { read: () => err({ status: 415, headers: [['Accept', 'application/pidf+xml']] }) },
      },
    })
    juliet.subscribe()
    await heard(juliet, 'active')
    await until(() => romeo.only().state.kind === 'live')
    romeo.only().end('noresource')
    await heard(juliet, 'active', 'ended terminated noresource, lost, never')
  })

  test('tables are bounded', async () => {
    const { juliet, romeo } = await pair({
      subscriber: { options: { limit: 2 } },
      notifier: { options: { limit: 1 } },
    })
    juliet.subscribe()
    await heard(juliet, 'active', 'open')
    juliet.subscribe()
    await heard(juliet, 'active', 'open', 'ended refused 503, kept, after 60')
    juliet.subscribe()
    expect(() => juliet.subscribe()).toThrow('full')
    expect(juliet.subscriptions.stats()).toMatchObject({ size: 2, refused: 1 })
    await until(() => romeo.watchers.stats().refused === 2)
  })
})

describe('after a restart', () => {
  test('the notifier goes on in its dialogs, with numbers that were never used', async () => {
    const { time, juliet, romeo } = await pair()
    juliet.subscribe()
    await heard(juliet, 'active', 'open')
    const used = juliet.place.requests[0]?.request.headers.cseq()?.number ?? 0
    const saved = only(romeo.saved)
    expect(saved.dialog.localCSeq).toBeGreaterThan(used)

    romeo.watchers.close()
    const after = notifierSide(romeo.place, juliet.place, time)
    after.document = 'back'
    const resumed = after.watchers.resume(saved, 'watcher')
    expect(resumed.ok).toBe(true)
    after.only().changed()
    await heard(juliet, 'active', 'open', 'back')
    const number = juliet.place.requests[1]?.request.headers.cseq()?.number
    expect(number).toBe(saved.dialog.localCSeq + 1)
    // The next block is recorded before it is used up.
    expect(only(after.saved).dialog.localCSeq).toBeGreaterThan(number ?? 0)
    time.pass(3_300_000)
    await until(() => after.list.length === 1)
    expect(after.list).toEqual(['refreshed'])
    expect(juliet.list.filter((text) => text.startsWith('ended'))).toEqual([])
  })

  test('a block is reserved while half of the last is left, not with each NOTIFY', async () => {
    const { time, juliet, romeo } = await pair()
    const subscription = juliet.subscribe({ expires: 86_400 })
    await heard(juliet, 'active', 'open')
    const first = only(romeo.saved).dialog.localCSeq
    const watcher = romeo.only()
    for (let i = 0; i < 10; i++) {
      time.pass(5000)
      const before = juliet.place.requests.length
      watcher.changed()
      await until(
        () => juliet.place.requests.length > before && watcher.state.kind === 'live' && !watcher.state.sent,
      )
    }
    expect(only(romeo.saved).dialog.localCSeq).toBe(first)
    expect(subscription.dialog.remoteCSeq).toBe(11)
  })

  test('the subscriber refreshes within the spread, and has the state again', async () => {
    const { time, juliet, romeo } = await pair()
    const before = juliet.subscribe()
    await heard(juliet, 'active', 'open')
    await until(() => before.state.kind === 'established')
    const saved = only(juliet.saved)
    juliet.subscriptions.close()
    const after = subscriberSide(juliet.place, romeo.place, time)
    expect(after.subscriptions.resume(saved, 'juliet', 60_000).ok).toBe(true)
    time.pass(60_000)
    await heard(after, 'open')
    expect(romeo.list).toEqual(['refreshed'])
    expect(romeo.place.requests.at(-1)?.request.headers.cseq()?.number).toBe(saved.dialog.localCSeq + 1)
  })

  test('what is over by then is not resumed', async () => {
    const { time, juliet, romeo } = await pair()
    const one = juliet.subscribe()
    await heard(juliet, 'active', 'open')
    await until(() => one.state.kind === 'established')
    const [subscription, watcher] = [only(juliet.saved), only(romeo.saved)]
    juliet.subscriptions.close()
    romeo.watchers.close()
    time.pass(3_600_000)
    expect(juliet.subscriptions.resume(subscription, 'juliet', 0)).toEqual({ ok: false, error: 'expired' })
    expect(romeo.watchers.resume(watcher, 'watcher')).toEqual({ ok: false, error: 'expired' })
  })

  test('the notifier has forgotten: 481, and the subscriber knows that it may begin anew', async () => {
    const { juliet, romeo } = await pair()
    const subscription = juliet.subscribe()
    await heard(juliet, 'active', 'open')
    await until(() => subscription.state.kind === 'established')
    romeo.watchers.close()
    subscription.refresh()
    await heard(juliet, 'active', 'open', 'ended refused 481, kept, now')
    expect(romeo.watchers.stats().unmatched).toBe(1)
  })

  test.for([
    ['nothing', undefined, 'malformed'],
    ['a list', [], 'malformed'],
    ['of another version', { version: 2 }, 'other-version'],
    ['without a dialog', { version: 1, event: 'presence', status: 'active', until: 1 }, 'malformed'],
    ['with a broken target', { dialog: { target: 'nowhere' } }, 'malformed'],
    ['with a broken route', { dialog: { routes: ['<nowhere'] } }, 'malformed'],
    ['in no state', { status: 'waiting' }, 'malformed'],
    ['without an end', { until: null }, 'malformed'],
  ] as const)('saved %s', ([, changes, error]) => {
    const whole = {
      version: 1,
      event: 'presence',
      status: 'active',
      until: 5,
      dialog: {
        callId: 'c',
        localTag: 'a',
        remoteTag: 'b',
        localUri: 'sip:a@b',
        remoteUri: 'sip:c@d',
        localCSeq: 5,
        routes: [],
        target: 'sip:c@d',
        secure: false,
      },
    }
    expect(readSaved(whole).ok).toBe(true)
    const partial = typeof changes === 'object' && !Array.isArray(changes) && !('version' in changes)
    const dialog = partial && 'dialog' in changes ? { ...whole.dialog, ...changes.dialog } : whole.dialog
    expect(readSaved(partial ? { ...whole, ...changes, dialog } : changes)).toEqual({ ok: false, error })
  })
})

test('an answer that comes after the owner closed changes nothing', async () => {
  const [a, b] = await Promise.all([place(), place()])
  const juliet = subscriberSide(a, b, new ManualTime())
  juliet.subscribe()
  await until(() => b.requests.length === 1)
  juliet.subscriptions.close()
  b.requests[0]?.respond(403)
  await until(() => a.endpoint.stats().responsesIn === 1)
  expect(juliet.list).toEqual([])
})
