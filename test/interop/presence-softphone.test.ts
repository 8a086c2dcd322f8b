import { describe, expect, test } from 'vitest'
import { JULIET, type KamailioBed, onKamailio } from '../support/kamailio-bed.ts'
import { startLinphone } from '../support/linphone.ts'
import { type Softphone, startSoftphone } from '../support/softphone.ts'
import { type Element, xml } from '../support/xmpp-client.ts'

const MERCUTIO = 'mercutio@sip.example'

/** baresip, registered at Kamailio, which knows nothing of presence: the dialogs are between the phone and us. */
async function onPhone(
  scene: (bed: KamailioBed & { readonly phone: Softphone }) => Promise<void>,
): Promise<void> {
  await onKamailio({}, async (bed) => {
    await using phone = await startSoftphone({
      uri: `sip:${MERCUTIO}`,
      proxy: { port: bed.home.port },
      contact: `sip:${JULIET}`,
      presence: true,
    })
    try {
      await scene({ ...bed, phone })
    } catch (error) {
      console.error(phone.log())
      throw error
    }
    expect(bed.complaints()).toEqual([])
  })
}

const presenceOf = (bed: KamailioBed, match: (stanza: Element) => boolean): Promise<Element> =>
  bed.juliet.stanzas.next(
    (stanza) => stanza.is('presence') && String(stanza.attrs.from).startsWith(MERCUTIO) && match(stanza),
  )
const typed = (bed: KamailioBed, type: string): Promise<Element> =>
  presenceOf(bed, ({ attrs }) => attrs.type === type)

describe('baresip', () => {
  test('watches an XMPP user: approved, busy, gone', () =>
    onPhone(async (bed) => {
      const { juliet, home, phone } = bed
      await typed(bed, 'subscribe')
      await juliet.send(xml('presence', { to: MERCUTIO, type: 'subscribed' }))
      const notified = () =>
        home.passed.next(({ method, to }) => method === 'NOTIFY' && to === `sip:${MERCUTIO}`, {
          within: 10_000,
        })
      await notified()
      await notified()
      await juliet.send(xml('presence', {}, xml('show', {}, 'dnd')))
      expect(await phone.contactStatus(10_000)).toBe('Busy')
      await juliet.send(xml('presence', { type: 'unavailable' }))
      expect(await phone.contactStatus(10_000)).toBe('Offline')
    }))

  test('is watched by an XMPP user: online, offline, the end', () =>
    onPhone(async (bed) => {
      const { juliet, phone } = bed
      // A stranger to Prosody: what the phone asks is not answered here.
      await typed(bed, 'subscribe')
      await juliet.send(xml('presence', { to: MERCUTIO, type: 'subscribe' }))
      await typed(bed, 'subscribed')
      await phone.show('online')
      const online = await presenceOf(bed, ({ attrs }) => attrs.type === undefined)
      await phone.show('offline')
      expect((await typed(bed, 'unavailable')).attrs.from).toBe(online.attrs.from)
      await phone.show('online')
      await presenceOf(bed, ({ attrs }) => attrs.type === undefined)
      await juliet.send(xml('presence', { to: MERCUTIO, type: 'unsubscribe' }))
      expect((await typed(bed, 'unavailable')).attrs.from).toBe(online.attrs.from)
    }))
})

test('linphone watches and publishes, with a GRUU as its Contact', () =>
  onKamailio({ kamailio: { presence: true } }, async (bed) => {
    const { juliet, home } = bed
    await using phone = await startLinphone({
      uri: `sip:${MERCUTIO}`,
      proxy: { port: home.port },
      contact: `sip:${JULIET}`,
    })
    try {
      await typed(bed, 'subscribe')
      expect(await phone.contactStatus()).toBe('closed')
      await juliet.send(xml('presence', { to: MERCUTIO, type: 'subscribed' }))
      expect(await phone.contactStatus()).toBe('open')
      await juliet.send(xml('presence', {}, xml('show', {}, 'dnd'), xml('status', {}, 'asleep')))
      expect(await phone.contactStatus(10_000)).toBe('busy')
      const notify = home.passed.all.find(({ method }) => method === 'NOTIFY')
      expect(notify?.requestUri).toContain(`${MERCUTIO};gr=`)

      await juliet.send(xml('presence', { to: MERCUTIO, type: 'subscribe' }))
      await typed(bed, 'subscribed')
      await presenceOf(bed, ({ attrs }) => attrs.type === undefined)
      expect(bed.complaints()).toEqual([])
    } catch (error) {
      console.error(phone.log())
      throw error
    }
  }))
