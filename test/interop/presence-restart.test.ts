import { describe, expect, test, vi } from 'vitest'
import { ROMEO } from '../support/bed.ts'
import { isPresence, onStage, pidf, type Stage, watched, watching } from '../support/presence-stage.ts'
import { xml } from '../support/xmpp-client.ts'

/** Until the store has written down all that there is. */
async function written({ gateway }: Stage): Promise<void> {
  await vi.waitFor(
    async () => {
      gateway.signal('SIGUSR2')
      const { presence } = (await gateway.log.next(({ msg }) => msg === 'stats')) as unknown as Stats
      expect(presence.kept).toMatchObject({ waiting: 0 })
      expect(presence.kept.written).toBeGreaterThanOrEqual(2)
    },
    { timeout: 20_000, interval: 200 },
  )
}

interface Stats {
  readonly presence: { readonly kept: { readonly waiting: number; readonly written: number } }
}

describe('after kill -9', () => {
  test('a SIP watcher does not notice: its dialog goes on, with a state that is true', () =>
    onStage(async (stage) => {
      const subscription = await watching(stage)
      await written(stage)
      await stage.again()
      // What juliet is now was asked for by itself.
      await stage.juliet.send(xml('presence', {}, xml('show', {}, 'dnd')))
      const changed = await subscription.notifications.next((notify) => notify.body.includes('dnd'))
      expect(changed.headers('subscription-state')[0]).toMatch(/^active;expires=3\d\d\d$/)
      expect((await subscription.refresh()).status).toBe(200)
      expect((await subscription.notifications.next()).body).toContain('dnd')
      expect((await subscription.end()).status).toBe(200)
    }))

  test('the subscription to a SIP user goes on in its dialog, and what vanished meanwhile is gone', () =>
    onStage(async (stage) => {
      const incoming = await watched(stage)
      await written(stage)
      await stage.again()
      const refresh = await incoming.refreshes.next()
      expect(refresh.headers('expires')).toEqual(['3600'])
      await incoming.notify({ state: 'active;expires=3600', body: pidf('back', 'garden') })
      const back = await stage.juliet.stanzas.next((stanza) => stanza.getChildText('status') === 'back')
      expect(back.attrs.from).toBe(`${ROMEO}/garden`)
      const gone = await stage.juliet.stanzas.next(isPresence('unavailable'))
      expect(gone.attrs.from).toBe(`${ROMEO}/orchard`)
    }))

  test('an authorization without a dialog is made good: it is subscribed to anew', () =>
    onStage(async (stage) => {
      const incoming = await watched(stage)
      const ended = await incoming.notify({ state: 'terminated;reason=probation;retry-after=3600' })
      expect(ended.status).toBe(200)
      await stage.juliet.stanzas.next(isPresence('unavailable'))
      await written(stage)
      await stage.again()
      const anew = await stage.romeo.subscriptions.next()
      anew.accept()
      await anew.notify({ state: 'active;expires=3600', body: pidf('again') })
      await stage.juliet.stanzas.next((stanza) => stanza.getChildText('status') === 'again')
      await stage.juliet.stanzas.none(isPresence('subscribed'), 300)
    }))
})

describe('an XMPP server that goes away', () => {
  test('nothing is forgotten: both see each other again when it is back', () =>
    onStage(async (stage) => {
      const subscription = await watching(stage)
      const incoming = await watched(stage)
      await stage.prosody.kill()
      await stage.gateway.log.next(({ msg }) => msg === 'link is lost')
      await incoming.notify({ state: 'active;expires=3600', body: pidf('missed') })
      await stage.prosody.start()
      // She is gone, as the server says, until her client is back.
      const anew = await stage.romeo.subscriptions.next(() => true, { within: 20_000 })
      anew.accept()
      await anew.notify({ state: 'active;expires=3600', body: pidf('missed') })
      await stage.juliet.stanzas.next((stanza) => stanza.getChildText('status') === 'missed', {
        within: 20_000,
      })
      await stage.juliet.send(xml('presence', {}, xml('show', {}, 'away')))
      await subscription.notifications.next((notify) => notify.body.includes('away'), { within: 20_000 })
      expect((await subscription.refresh()).status).toBe(200)
    }))
})
