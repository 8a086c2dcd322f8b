import { stringify } from 'yaml'
import { ROMEO } from './bed.ts'

export interface TestListener {
  readonly transport: 'udp' | 'tcp'
  readonly address: string
  readonly port: number
}

export interface TestLink {
  /** Also the environment variable that holds its secret. */
  readonly name: string
  /** The component port at 127.0.0.1. */
  readonly port: number
  readonly domain: string
  /** The one domain behind it, and of its provider. */
  readonly remote: string
  /** Straight unless told. */
  readonly addressing?: string | object
}

export interface Topology {
  readonly listeners: readonly TestListener[]
  /** As `sip:127.0.0.1:5070;transport=udp`. */
  readonly nextHop: string
  readonly addresses?: readonly string[]
  /** Names of the served domains, each with the links that may carry it. */
  readonly served: Readonly<Record<string, readonly string[]>>
  readonly links: readonly TestLink[]
  readonly interworking?: object
  readonly level?: string
}

/** A configuration with several links; everyone may write to everyone. As YAML. */
export function topologyConfig(topology: Topology): string {
  return stringify({
    log: { level: topology.level ?? 'debug', format: 'json' },
    sip: {
      listeners: topology.listeners.map((listener, index) => ({
        ...listener,
        name: `inside-${index}`,
        side: 'inside',
      })),
    },
    xmpp: { reconnect: { first: '200ms', ceiling: '1s' } },
    ...(topology.interworking && { interworking: topology.interworking }),
    federation: {
      homes: [
        { name: 'main', nextHop: topology.nextHop, addresses: topology.addresses ?? ['127.0.0.1', '::1'] },
      ],
      servedDomains: Object.entries(topology.served).map(([name, links]) => ({ name, home: 'main', links })),
      links: topology.links.map(({ name, port, domain, remote, addressing = 'straight' }) => ({
        ...{ name, kind: 'component', host: '127.0.0.1', port, domain, addressing },
        secret: { env: name.toUpperCase() },
        remote: [remote],
      })),
      providers: topology.links.map(({ name, remote }) => ({
        ...{ name, type: 'partner', protocol: 'xmpp', verification: 'all', domains: [remote], link: name },
      })),
    },
  })
}

/** A MESSAGE that sip.js would not write so. */
export function messageText(
  to: string,
  headers: readonly string[],
  { from = `sip:${ROMEO}`, body = 'hi', callId = '' } = {},
): string {
  const id = Math.random().toString(36).slice(2)
  return [
    `MESSAGE ${to} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK${id};rport`,
    'Max-Forwards: 70',
    `From: <${from}>;tag=${id}`,
    `To: <${to}>`,
    `Call-ID: ${callId || `${id}@raw`}`,
    'CSeq: 1 MESSAGE',
    ...headers,
    ...(headers.some((line) => /^content-type:/i.test(line)) ? [] : ['Content-Type: text/plain']),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}
