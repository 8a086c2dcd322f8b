import { err, ok, type Result } from '../../kernel/result.ts'
import type { HeaderField, Headers } from '../../sip/headers.ts'
import { charsetOf, parseContentType } from '../../sip/media-type.ts'
import type { SipRequest } from '../../sip/message.ts'
import { parseSubscriptionState, type SubscriptionState } from '../../sip/subscription-state.ts'
import { contentLanguage } from '../language.ts'
import { refuse, type SipRefusal } from '../sip-refusal.ts'
import { CATEGORIES_TYPE, categoriesToState, readCategories } from './categories.ts'
import type { PresenceLimits } from './limits.ts'
import { ACCEPT_CATEGORIES, ALLOW_EVENTS, isPresenceEvent } from './package.ts'
import { PIDF_TYPE, type Pidf } from './pidf.ts'
import { type PidfError, readPidf } from './pidf-read.ts'
import { pidfToState } from './pidf-to-state.ts'
import { writePidf } from './pidf-write.ts'
import type { ContactState } from './state.ts'

/** What a NOTIFY of presence says. */
export interface PresenceNotice {
  readonly subscription: SubscriptionState
  /** Undefined: nothing new; the last document holds (RFC 3856 §6.8). */
  readonly presence: ContactState | undefined
}

type Refusal = Extract<SipRefusal, { kind: 'refuse' }>
const refused = (status: number, reason: string, ...headers: readonly HeaderField[]): Refusal =>
  refuse(status, reason, ...headers) as Refusal

const BAD_EVENT = refused(489, 'Bad Event', ALLOW_EVENTS)
const BAD_STATE = refused(400, 'Bad Subscription-State')
const BAD_TYPE = refused(415, 'Unsupported Media Type', ACCEPT_CATEGORIES)
const BAD_CHARSET = refused(415, 'Unsupported Charset', ACCEPT_CATEGORIES)
const BAD_CODING = refused(415, 'Unsupported Content Encoding', ['Accept-Encoding', 'identity'])
const DOCUMENT_REFUSALS = {
  malformed: refused(400, 'Not a Presence Document'),
  'too-large': refused(413, 'Presence Document Too Large'),
} as const satisfies Record<PidfError, Refusal>

/**
 * Reads a NOTIFY that belongs to a subscription to presence. None of the refusals ends the subscription (RFC 6665 §4.2.2), but the
 * one for another event.
 * @param known what the contact was last known to be: a document in numbers may hold only what changed
 */
export function readNotify(
  request: SipRequest,
  known: ContactState,
  limits: PresenceLimits,
): Result<PresenceNotice, Refusal> {
  const { headers, body } = request
  if (!isPresenceEvent(headers)) return err(BAD_EVENT)
  const subscription = parseSubscriptionState(headers.get('Subscription-State') ?? '')
  if (!subscription.ok) return err(BAD_STATE)
  if (body.length === 0) return ok({ subscription: subscription.value, presence: undefined })
  const presence = readBody(headers, body, known, limits)
  return presence.ok ? ok({ subscription: subscription.value, presence: presence.value }) : presence
}

function readBody(
  headers: Headers,
  body: Uint8Array,
  known: ContactState,
  limits: PresenceLimits,
): Result<ContactState | undefined, Refusal> {
  const coding = headers.get('Content-Encoding')?.trim().toLowerCase() ?? ''
  if (coding !== '' && coding !== 'identity') return err(BAD_CODING)
  const media = parseContentType(headers.get('Content-Type') ?? '')
  if (!media.ok) return err(BAD_TYPE)
  const charset = charsetOf(media.value) ?? 'utf-8'
  if (charset !== 'utf-8' && charset !== 'us-ascii') return err(BAD_CHARSET)
  const lang = contentLanguage(headers.get('Content-Language'))
  switch (`${media.value.type}/${media.value.subtype}`) {
    case PIDF_TYPE: {
      const document = readPidf(body, limits)
      return document.ok ? ok(pidfToState(document.value, lang)) : err(DOCUMENT_REFUSALS[document.error])
    }
    case CATEGORIES_TYPE: {
      const categories = readCategories(body, limits)
      return categories.ok
        ? ok(categoriesToState(known, categories.value, lang))
        : err(DOCUMENT_REFUSALS[categories.error])
    }
    default:
      return err(BAD_TYPE)
  }
}

/** What a NOTIFY carries of presence. */
export interface PresenceContent {
  /** Content-Type and Content-Language; none where there is no body. */
  readonly fields: readonly HeaderField[]
  readonly body: Uint8Array
}

const CONTENT_TYPE: HeaderField = ['Content-Type', PIDF_TYPE]

/**
 * The content of a NOTIFY; empty where no state is known (RFC 8048 §5.3.2).
 * @param lang of the stanza that the document comes from (RFC 8048 table 1)
 */
export function presenceContent(document: Pidf | undefined, lang: string | undefined): PresenceContent {
  if (document === undefined) return { fields: [], body: new Uint8Array(0) }
  return {
    fields: lang === undefined ? [CONTENT_TYPE] : [CONTENT_TYPE, ['Content-Language', lang]],
    body: writePidf(document),
  }
}
