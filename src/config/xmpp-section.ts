import { z } from 'zod'
import { certificates } from './certificates.ts'
import { count, duration, flag, ipAddress, name, port, secret, size } from './scalars.ts'

/** The section `xmpp`. */

const listener = z.strictObject({
  name: name('how the log calls it'),
  address: ipAddress('IP address to listen on'),
  port: port('port to listen on').default(5269),
  tls: z
    .enum(['starttls', 'direct'])
    .default('starttls')
    .describe('direct: TLS from the first octet (XEP-0368)'),
})

const s2s = z.strictObject({
  listeners: z.array(listener).default([]).describe('where other XMPP servers are heard'),
  dialbackSecret: secret('what our dialback keys are made with (XEP-0185)').optional(),
  families: z
    .array(z.literal([4, 6]))
    .min(1)
    .max(2)
    .default([4, 6])
    .describe('IP versions that can be connected by, the preferred one first'),
  privateAddresses: flag('the servers of domains without a provider may be at private addresses').default(
    false,
  ),
  retry: z
    .strictObject({
      first: duration('first pause').default(5000),
      ceiling: duration('longest pause').default(300_000),
    })
    .prefault({})
    .describe('how long a domain that could not be reached is not tried again; doubles'),
  limits: z
    .strictObject({
      connections: count('streams open at once').default(5000),
      connectionsPerAddress: count('streams that came in from one address').default(100),
      handshakes: count('streams that came in and have proved nothing yet').default(500),
      setUp: duration('a stream must have proved a domain within this', 1000).default(30_000),
      idle: duration('a stream without stanzas is closed after this', 1000).default(600_000),
      pairs: count('pairs of domains that one stream may carry').default(100),
      queueStanzas: count('stanzas of one pair of domains that wait for a stream').default(100),
      queueBytes: size('stanzas of all pairs that wait for a stream', 10_000).default(16 * 1024 * 1024),
      domains: count('domains remembered that could not be reached').default(10_000),
      verifications: count('dialback keys of others that are being verified').default(500),
      outgoingBytes: size('written, and not yet taken by one peer', 10_000).default(1024 * 1024),
    })
    .prefault({})
    .describe('what other servers may cost'),
})

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
  tls: certificates.optional().describe('certificates from server to server: ours, and whose we believe'),
  s2s: s2s.prefault({}).describe('from server to server'),
  confirm: flag('2xx to SIP only after the XMPP server has taken the stanza').default(true),
})
