import { escapeXML } from '@xmpp/xml'
import type { Initiating, Receiving } from './s2s-roles.ts'

/**
 * Google Talk as its server links were in 2012: a header without version, no features, no TLS, no SASL, nothing but dialback
 * in clear. Compare the digest's §14.
 */
export const OLD_RECEIVING: Receiving = {
  version: false,
  starttls: 'absent',
  external: 'absent',
  dialback: ['clear'],
}
export const OLD_INITIATING: Initiating = {
  version: false,
  starttls: 'never',
  external: 'never',
  dialback: ['clear'],
}

interface Addressed {
  readonly from: string
  readonly to: string
}

/** What its clients put into every message: off-the-record or not, and whom the message is to be archived for. */
const NOSAVE =
  "<nos:x value='disabled' xmlns:nos='google:nosave'/><arc:record otr='false' xmlns:arc='http://jabber.org/protocol/archive'/>"

/** A message with children of Google's own, and a request for events (XEP-0022). */
export const oldMessage = ({
  from,
  to,
  id = 'g1',
  body,
}: Addressed & { id?: string; body: string }): string =>
  `<message from='${from}' to='${to}' type='chat' id='${id}'><body>${escapeXML(body)}</body>` +
  `<x xmlns='jabber:x:event'><offline/><delivered/><displayed/><composing/></x>${NOSAVE}</message>`

/** A message with nothing in it but children of Google's own. */
export const oldEmptyMessage = ({ from, to }: Addressed): string =>
  `<message from='${from}' to='${to}' type='chat'>${NOSAVE}</message>`

/** XEP-0022: `composing` for a message, or that it is no longer so. */
export const oldEvent = ({
  from,
  to,
  about,
  composing,
}: Addressed & { about: string; composing: boolean }): string =>
  `<message from='${from}' to='${to}'><x xmlns='jabber:x:event'>${composing ? '<composing/>' : ''}<id>${about}</id></x></message>`

/** A message that waited: XEP-0091, whose stamp is `CCYYMMDDThh:mm:ss` in UTC. */
export const oldDelayedMessage = ({
  from,
  to,
  body,
  stamp,
}: Addressed & { body: string; stamp: string }): string =>
  `<message from='${from}' to='${to}' type='chat'><body>${escapeXML(body)}</body>` +
  `<x xmlns='jabber:x:delay' from='${from}' stamp='${stamp}'>Offline Storage</x>${NOSAVE}</message>`

/**
 * Presence with capabilities of before 2007 (without `hash`, with `ext`), a shared status, an avatar, and a delay stamp as on
 * presence that is sent anew at every session.
 */
export const oldPresence = ({
  from,
  to,
  status,
  stamp,
}: Addressed & { status: string; stamp?: string }): string =>
  `<presence from='${from}' to='${to}'><status>${escapeXML(status)}</status><priority>24</priority>` +
  "<c node='http://mail.google.com/xmpp/client/caps' ver='1.1' ext='pmuc-v1 sms-v1 vavinvite-v1 voice-v1 video-v1' xmlns='http://jabber.org/protocol/caps'/>" +
  "<x xmlns='vcard-temp:x:update'><photo>4b1bc1fa0b4f4b1bc1fa0b4f4b1bc1fa0b4f4b1b</photo></x>" +
  `${stamp === undefined ? '' : `<x xmlns='jabber:x:delay' from='${from}' stamp='${stamp}'/>`}` +
  "<ss:x xmlns:ss='google:shared-status'/></presence>"

/** `type='invisible'` is none of XMPP's. */
export const oldInvisible = ({ from, to }: Addressed): string =>
  `<presence from='${from}' to='${to}' type='invisible'/>`

/** A call as its clients offered it before Jingle. */
export const oldCall = ({ from, to }: Addressed): string =>
  `<iq from='${from}' to='${to}' type='set' id='call1'><session xmlns='http://www.google.com/session' type='initiate' id='7' initiator='${from}'>` +
  "<description xmlns='http://www.google.com/session/phone'><payload-type id='103' name='ISAC'/></description></session></iq>"

/** A probe from a full address (RFC 3921). */
export const oldProbe = ({ from, to }: Addressed): string =>
  `<presence from='${from}' to='${to}' type='probe'/>`
