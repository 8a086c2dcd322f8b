import { z } from 'zod'
import { count, duration, flag, size } from './scalars.ts'

/** The section `xmpp`. */

export const xmpp = z.strictObject({
  limits: z
    .strictObject({
      stanzaBytes: size('one stanza (RFC 6120 §13.12: at least 10000)', 10_000).default(1024 * 1024),
      depth: count('nested elements', 4, 10_000).default(64),
      attributes: count('attributes of one element', 8, 10_000).default(64),
    })
    .prefault({})
    .describe('what one stanza may cost'),
  reconnect: z
    .strictObject({
      first: duration('first pause').default(1000),
      ceiling: duration('longest pause').default(60_000),
    })
    .prefault({})
    .describe('pause before a link is tried again; doubles with jitter, for ever'),
  keepAlive: z
    .strictObject({
      whitespace: duration('silence after which a space is sent', 1000).default(60_000),
      ping: duration('silence after which a ping is sent (XEP-0199)', 1000).default(120_000),
      answerWithin: duration('a link that does not answer a ping within this is dead', 100).default(20_000),
    })
    .prefault({})
    .describe('how a dead link is found'),
  confirm: flag('2xx to SIP only after the XMPP server has taken the stanza').default(true),
})
