export type Direction = 'xmpp-to-sip' | 'sip-to-xmpp' | 'home-to-provider' | 'provider-to-home'
/** Between the gateway and the home server. */
export type Transport = 'udp' | 'tcp' | 'tls'

/** The domains and addresses that the generator plays; the gateway's configuration lists them. */
export const XMPP_DOMAIN = 'xmpp.example'
export const SIP_DOMAIN = 'sip.example'
export const PROVIDER_DOMAIN = 'provider.example'
/** A provider whose edge takes connections and reads nothing. */
export const DEAF_DOMAIN = 'deaf.example'
const four = (conversation: number): string => String(conversation).padStart(4, '0')
export const xmppUser = (conversation: number): string => `juliet${four(conversation)}@${XMPP_DOMAIN}`
export const sipUser = (conversation: number): string => `romeo${four(conversation)}@${SIP_DOMAIN}`

export const providerUser = (conversation: number): string => `paris${four(conversation)}@${PROVIDER_DOMAIN}`

/** Of the home server, where it speaks TLS. */
export const HOME_HOST = 'home.sip.example'

/** The name in the certificate of whoever speaks for a domain. */
export const edgeOf = (domain: string): string => `edge.${domain}`

/** PEM files of one side of mutual TLS. */
export interface TlsFiles {
  readonly certificate: string
  readonly key: string
  readonly authorities: string
}

/** The SIP provider on the other side of the gateway. */
export interface ProviderLoad {
  /** Between the gateway and the provider. */
  readonly transport: 'udp' | 'tls'
  /** The gateway's outside listener on 127.0.0.1. */
  readonly gatewayPort: number
  readonly files: TlsFiles
  /** What the home server shows, where it speaks TLS. */
  readonly homeFiles: TlsFiles
  readonly deafFiles: TlsFiles
  /** Connections that the provider keeps open; requests go over all of them in turn. */
  readonly connections: number
  /** So many peers of each kind that is a nuisance, or would be if they did not behave: see trouble.ts. */
  readonly trouble: number
  readonly behaved: boolean
}

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
  /** Where SIP goes on to SIP. */
  readonly provider?: ProviderLoad
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
  /** At the end of the measured time, VmRSS. */
  readonly residentMegabytes: number
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

/** Where the generator's neighbours listen on 127.0.0.1; 0: there is none. */
export interface Ports {
  readonly xmppPort: number
  readonly sipPort: number
  readonly providerPort: number
  readonly deafPort: number
}

export type FromGenerator =
  | ({ readonly kind: 'listening' } & Ports)
  | {
      readonly kind: 'watch'
      readonly seconds: number
      readonly messages: number
      readonly megabytes: number
    }
  | Outcome

export type ToGenerator = { readonly kind: 'start'; readonly pid: number }
