import { z } from 'zod'
import { count, duration, size } from './scalars.ts'

/** The section `sip.limits`. */
export const sipLimits = z.strictObject({
  headBytes: size('start line and headers of one message', 512).default(64 * 1024),
  bodyBytes: size('body of one message').default(512 * 1024),
  headerCount: count('headers of one message', 16).default(256),
  connections: count('open connections').default(1000),
  connectionsPerAddress: count('connections that came in from one address').default(100),
  handshakes: count('TLS handshakes of peers under way').default(200),
  handshakesPerAddress: count('TLS handshakes under way from one address').default(20),
  handshake: duration('a TLS handshake must end within this', 100).default(10_000),
  idleConnection: duration('a connection without traffic is closed after this', 1000).default(600_000),
  transactions: count('transactions under way', 16).default(1_000_000),
  calls: count('INVITEs without an answer').default(10_000),
  callsPerPeer: count('of these, with one provider or domain').default(1000),
  unansweredPerPeer: count('other requests without an answer, to one peer').default(10_000),
  dialogPass: duration('what was admitted goes on for this long', 3_600_000).default(86_400_000),
})
