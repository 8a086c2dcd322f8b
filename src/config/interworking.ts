import { z } from 'zod'
import type { RowFinding } from './federation-rows.ts'
import { count, duration, flag, size } from './scalars.ts'

/** The sections on what crosses between SIP and XMPP. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export const interworking = z.strictObject({
  messageType: z
    .enum(['normal', 'chat'])
    .default('normal')
    .describe('normal (RFC 7572 §5: no type attribute) or chat'),
  waitForError: duration('hold the 2xx this long for a quick error stanza', 0).default(0),
  lateErrorNotice: flag('tell the SIP sender of a later error by a MESSAGE').default(false),
  noLiveLink: z.literal([480, 503]).default(480).describe('SIP status while the link is down'),
  retryAfter: duration('Retry-After with 503', 1000).default(30_000),
  largestStanza: size('longer messages are refused to SIP with 513', 10_000).default(384 * 1024),
  loopMemory: duration('how long a translated message is remembered').default(10_000),
  queue: count('messages that may wait for one SIP target').default(1000),
})

export const presence = z.strictObject({
  // Below a minute a subscriber could not refresh it in time.
  expires: duration('how long our subscriptions to SIP users are asked for', MINUTE, DAY).default(HOUR),
  // RFC 6665 §4.2.1.1: 423 is not for an hour or more.
  shortest: duration('SIP watchers that ask for less get 423', 1000, HOUR).default(MINUTE),
  longest: duration('SIP watchers that ask for more get this', 1000, DAY).default(HOUR),
  interval: duration('a SIP watcher hears of one change in this time', 100, HOUR).default(5000),
  giveUp: duration('how long somebody waits for an authorization that nobody decides on', 1000).default(
    7 * DAY,
  ),
  retry: z
    .strictObject({
      first: duration('first pause', 1000, DAY).default(30_000),
      longest: duration('longest pause', 1000, DAY).default(HOUR),
    })
    .prefault({})
    .describe('pause before a lost subscription is tried again; doubles'),
  resume: count(
    'subscriptions refreshed and states asked for in a second, after a start or the loss of a link',
    1,
    100_000,
  ).default(500),
  stale: duration('when a link is gone for longer, nothing is known of its users', 1000, DAY).default(
    2 * MINUTE,
  ),
  limits: z
    .strictObject({
      subscriptions: count('XMPP users who watch SIP users').default(200_000),
      pending: count('of these, of one XMPP domain, on which nobody has decided').default(10_000),
      watchers: count('SIP watchers of XMPP users').default(200_000),
      devices: count('of these, of one SIP user towards one XMPP user', 1, 1000).default(16),
      notifies: count('NOTIFYs to one home server without an answer; the others wait', 1, 100_000).default(
        500,
      ),
      resources: count('resources or tuples of one contact', 1, 1000).default(32),
      document: size('a presence document from SIP', 1024).default(64 * 1024),
      texts: count('status texts of one state, in different languages', 1, 1000).default(8),
      textLength: count('characters of one status text', 1, 65_536).default(1024),
    })
    .prefault({})
    .describe('what presence may cost'),
})

/** A shortest that is no longer than the longest. */
export function presenceFindings({ shortest, longest, retry }: z.output<typeof presence>): RowFinding[] {
  const found: RowFinding[] = []
  const compare = (least: number, most: number, path: readonly string[], other: string): void => {
    if (least <= most) return
    const message = `is shorter than ${other}`
    found.push({ path: ['presence', ...path], message, cure: `raise it, or lower ${other}` })
  }
  compare(shortest, longest, ['longest'], 'presence.shortest')
  compare(retry.first, retry.longest, ['retry', 'longest'], 'presence.retry.first')
  return found
}
