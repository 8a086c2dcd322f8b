export type Direction = 'xmpp-to-sip' | 'sip-to-xmpp'
export type Transport = 'udp' | 'tcp'

/** The domains and addresses that the generator plays; the gateway's configuration lists them. */
export const XMPP_DOMAIN = 'xmpp.example'
export const SIP_DOMAIN = 'sip.example'
const four = (conversation: number): string => String(conversation).padStart(4, '0')
export const xmppUser = (conversation: number): string => `juliet${four(conversation)}@${XMPP_DOMAIN}`
export const sipUser = (conversation: number): string => `romeo${four(conversation)}@${SIP_DOMAIN}`

/** What the load generator is to do; given as JSON in its first argument. Times are seconds. */
export interface Load {
  readonly direction: Direction
  readonly transport: Transport
  /** The gateway's SIP port on 127.0.0.1. */
  readonly gatewayPort: number
  /** Pairs of people, each pair with its own SIP target and its own order. */
  readonly conversations: number
  /** Messages under way at any moment. */
  readonly outstanding: number
  /** Size of the SIP request on the wire. */
  readonly requestBytes: number
  readonly warmUp: number
  readonly seconds: number
  /** Report the gateway's memory that often; 0: never. */
  readonly watch: number
}

/** What the generator found in the measured time (the counts of failures include the warm-up). */
export interface Outcome {
  readonly kind: 'outcome'
  readonly messages: number
  readonly seconds: number
  readonly messagesPerSecond: number
  /** CPU microseconds of the gateway per message: utime + stime of /proc/PID/stat, all threads. */
  readonly cpuUsPerMessage: number
  /** Of one core. */
  readonly gatewayCpuShare: number
  readonly generatorCpuShare: number
  readonly generatorCpuUsPerMessage: number
  /** Milliseconds: stanza written until SIP request read, or SIP request sent until 2xx read. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Peak memory of the gateway, VmHWM. */
  readonly peakMegabytes: number
  /** Mean over the run, as seen on the wire. */
  readonly requestBytes: number
  readonly lost: number
  readonly duplicates: number
  readonly outOfOrder: number
  /** Requests that came, or had to be sent, again (RFC 3261 timer E). */
  readonly retransmissions: number
  readonly refused: number
  /** The first refusal, for whoever has to find out why. */
  readonly refusal?: string
}

export type FromGenerator =
  | { readonly kind: 'listening'; readonly xmppPort: number; readonly sipPort: number }
  | {
      readonly kind: 'watch'
      readonly seconds: number
      readonly messages: number
      readonly megabytes: number
    }
  | Outcome

export type ToGenerator = { readonly kind: 'start'; readonly pid: number }
