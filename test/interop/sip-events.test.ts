import { describe, expect, test } from 'vitest'
import { until } from '../sip/endpoint/bed.ts'
import { heard, ManualTime, notifierSide, PRESENCE, place, subscriberSide } from '../sip/events/bed.ts'
import { startSipUserAgent } from '../support/sip-user-agent.ts'

const romeo = 'sip:romeo@sip.example'
const juliet = 'sip:juliet@xmpp.example'

describe('sip.js watches', () => {
  test('pending, granted, changed, refreshed, left', async () => {
    const here = await place()
    await using watcher = await startSipUserAgent({ uri: juliet, nextHop: { port: here.hop.port } })
    const there = { hop: { transport: 'udp', address: '127.0.0.1', port: watcher.port } as const }
    const time = new ManualTime()
    const side = notifierSide(here, there, time)
    side.offered = (offer) => void offer.accept('pending', 'sip.js')

    const subscription = watcher.subscribe({ to: romeo, expires: 7200 })
    const answer = await subscription.answered
    expect([answer.status, answer.header('expires')]).toEqual([200, '3600'])
    const pending = await subscription.notifications.next()
    expect(pending.headers('subscription-state')).toEqual(['pending;expires=3600'])
    side.only().grant()
    expect(await subscription.notifications.next()).toMatchObject({
      body: 'open',
      contentType: PRESENCE.type,
    })
    time.pass(5000)
    side.document = 'busy'
    side.only().changed()
    expect((await subscription.notifications.next()).body).toBe('busy')
    expect((await subscription.refresh()).status).toBe(200)
    expect((await subscription.notifications.next()).body).toBe('busy')
    expect((await subscription.end()).status).toBe(200)
    const last = await subscription.notifications.next()
    expect([last.headers('subscription-state'), last.body]).toEqual([['terminated;reason=timeout'], 'closed'])
    expect(side.list).toEqual(['refreshed', 'ended left'])
    await until(() => side.watchers.size === 0)
    expect(watcher.errors).toEqual([])
  })

  test('refused', async () => {
    const here = await place()
    await using watcher = await startSipUserAgent({ uri: juliet, nextHop: { port: here.hop.port } })
    const there = { hop: { transport: 'udp', address: '127.0.0.1', port: watcher.port } as const }
    const side = notifierSide(here, there, new ManualTime())
    side.offered = (offer) => offer.refuse(403)
    expect((await watcher.subscribe({ to: romeo }).answered).status).toBe(403)
    const unknown = await watcher.subscribe({ to: romeo, event: 'weather' }).answered
    expect([unknown.status, unknown.header('allow-events')]).toEqual([489, 'presence'])
  })
})

describe('sip.js is watched', () => {
  test('pending, active, a refresh, the end', async () => {
    const here = await place()
    await using contact = await startSipUserAgent({ uri: romeo, nextHop: { port: here.hop.port } })
    const time = new ManualTime()
    const there = { hop: { transport: 'udp', address: '127.0.0.1', port: contact.port } as const }
    const side = subscriberSide(here, there, time)
    const subscription = side.subscribe()
    const incoming = await contact.subscriptions.next()
    expect(incoming.request.headers('accept')).toEqual([PRESENCE.type])
    incoming.accept(600)
    expect((await incoming.notify({ state: 'pending;expires=600' })).status).toBe(200)
    await heard(side, 'pending')
    const body = { type: PRESENCE.type, text: 'open' }
    expect((await incoming.notify({ state: 'active;expires=600', body })).status).toBe(200)
    await heard(side, 'pending', 'active', 'open')
    await until(() => subscription.state.kind === 'established')

    time.pass(540_000)
    const refresh = await incoming.refreshes.next()
    expect(refresh.headers('expires')).toEqual(['3600'])
    expect((await incoming.notify({ state: 'active;expires=600' })).status).toBe(200)
    await until(() => subscription.state.kind === 'established')

    subscription.leave()
    expect((await incoming.refreshes.next()).headers('expires')).toEqual(['0'])
    await until(() => side.list.includes('left'))
    expect((await incoming.notify({ state: 'terminated;reason=timeout' })).status).toBe(200)
    await heard(side, 'pending', 'active', 'open', 'left', 'ended left, kept, never')
    expect((await incoming.notify({ state: 'active;expires=600' })).status).toBe(481)
    expect(contact.errors).toEqual([])
  })

  test('rejected, and refused', async () => {
    const here = await place()
    await using contact = await startSipUserAgent({ uri: romeo, nextHop: { port: here.hop.port } })
    const there = { hop: { transport: 'udp', address: '127.0.0.1', port: contact.port } as const }
    const side = subscriberSide(here, there, new ManualTime())
    side.subscribe()
    const first = await contact.subscriptions.next()
    first.accept()
    await first.notify({ state: 'terminated;reason=rejected' })
    await heard(side, 'ended terminated rejected, lost, never')
    side.subscribe()
    ;(await contact.subscriptions.next()).reject(603)
    await heard(side, 'ended terminated rejected, lost, never', 'ended refused 603, lost, never')
  })
})
