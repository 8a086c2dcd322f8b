import { describe, expect, test } from 'vitest'
import { JULIET, ROMEO } from '../support/bed.ts'
import { isPresence, onStage, pidf, presence, watched, watching } from '../support/presence-stage.ts'
import { stanzaError } from '../support/xmpp-client.ts'

describe('the rules', () => {
  test('a provider that is disabled: both legs end, the authorizations stay, and all is back when it is', () =>
    onStage(async (stage) => {
      const subscription = await watching(stage)
      const incoming = await watched(stage)
      const config = stage.config as { federation: { providers: object[] } }
      const disabled = {
        ...config,
        federation: {
          ...config.federation,
          providers: config.federation.providers.map((row) => ({ ...row, enabled: false })),
        },
      }
      await stage.gateway.reload(disabled)
      const last = await subscription.notifications.next((notify) =>
        /^terminated/.test(notify.headers('subscription-state')[0] ?? ''),
      )
      expect(last.headers('subscription-state')[0]).toMatch(/^terminated;reason=probation;retry-after=\d+$/)
      expect((await incoming.refreshes.next()).headers('expires')).toEqual(['0'])
      await stage.juliet.stanzas.next(isPresence('unavailable'))
      await stage.juliet.stanzas.none(isPresence('unsubscribed'), 300)

      await stage.gateway.reload(config)
      const anew = await stage.romeo.subscriptions.next()
      anew.accept()
      await anew.notify({ state: 'active;expires=3600', body: pidf('back') })
      await stage.juliet.stanzas.next((stanza) => stanza.getChildText('status') === 'back')
    }))

  test('a domain that is blocked: both legs end for good', () =>
    onStage(async (stage) => {
      const subscription = await watching(stage)
      const incoming = await watched(stage)
      const config = stage.config as { federation: object }
      await stage.gateway.reload({
        ...config,
        federation: { ...config.federation, blockedDomains: [{ name: 'xmpp.example' }] },
      })
      const last = await subscription.notifications.next((notify) =>
        /^terminated/.test(notify.headers('subscription-state')[0] ?? ''),
      )
      expect(last.headers('subscription-state')).toEqual(['terminated;reason=rejected'])
      expect((await incoming.refreshes.next()).headers('expires')).toEqual(['0'])
      await stage.juliet.stanzas.next(isPresence('unavailable'))
      await stage.juliet.stanzas.next(isPresence('unsubscribed'))
      await stage.juliet.stanzas.next(isPresence('unsubscribe'))
    }))

  test('a provider that is suspended by a command, and resumed', () =>
    onStage(async (stage) => {
      const incoming = await watched(stage)
      expect((await stage.cli('provider', 'suspend', 'Example XMPP', '--reason', 'flood')).code).toBe(0)
      expect((await incoming.refreshes.next()).headers('expires')).toEqual(['0'])
      await stage.juliet.stanzas.next(isPresence('unavailable'))
      expect((await stage.cli('provider', 'resume', 'Example XMPP')).code).toBe(0)
      const anew = await stage.romeo.subscriptions.next()
      anew.accept()
      await anew.notify({ state: 'active;expires=3600', body: pidf('back') })
      await stage.juliet.stanzas.next((stanza) => stanza.getChildText('status') === 'back')
    }))

  test('a contact that the user blocks: both legs end for good, and it may not come back', () =>
    onStage(async (stage) => {
      const subscription = await watching(stage)
      const incoming = await watched(stage)
      expect((await stage.cli('contact', 'add', ROMEO, 'block', JULIET)).code).toBe(0)
      const last = await subscription.notifications.next((notify) =>
        /^terminated/.test(notify.headers('subscription-state')[0] ?? ''),
      )
      expect(last.headers('subscription-state')).toEqual(['terminated;reason=rejected'])
      expect((await incoming.refreshes.next()).headers('expires')).toEqual(['0'])
      await stage.juliet.stanzas.next(isPresence('unsubscribed'))
      await stage.juliet.send(presence('subscribe'))
      const error = await stage.juliet.stanzas.next(isPresence('error'))
      expect(stanzaError(error)).toMatchObject({ condition: 'forbidden' })
      await stage.romeo.subscriptions.none(() => true, 300)
    }))

  test('level contacts: only a watcher on the Allow list is answered', () =>
    onStage(
      async (stage) => {
        await stage.juliet.send(presence('subscribe'))
        const error = await stage.juliet.stanzas.next(isPresence('error'))
        expect(stanzaError(error)).toMatchObject({ condition: 'forbidden' })
        await stage.romeo.subscriptions.none(() => true, 300)
        expect((await stage.cli('contact', 'add', ROMEO, 'allow', JULIET)).code).toBe(0)
        await watched(stage)
      },
      { verification: 'contacts' },
    ))
})
