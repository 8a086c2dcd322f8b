import {
  DEAF_DOMAIN,
  edgeOf,
  HOME_HOST,
  type Load,
  type Ports,
  PROVIDER_DOMAIN,
  providerUser,
  SIP_DOMAIN,
  sipUser,
} from './load/run.ts'
import type { ProviderFiles } from './provider-files.ts'

/**
 * A gateway between a home server and SIP providers over TLS. As in the other scenarios every message from outside is
 * delivered because its sender stands on the recipient's Allow list.
 */
export function providerGatewayConfig(
  load: Omit<Load, 'watch'>,
  ports: Ports,
  files: ProviderFiles,
  dnsPort: number,
): string {
  const { transport, gatewayPort, provider } = load
  const contacts = Array.from({ length: load.conversations }, (_, i) => {
    const neighbour = (i + 1) % load.conversations
    return (
      `    - user: sip:${sipUser(i)}\n` +
      `      allow: [${providerUser(neighbour)}, '@friends.example', ${providerUser(i)}]\n` +
      `      block: [tybalt@${PROVIDER_DOMAIN}, '@spam.example']\n`
    )
  })
  const host = transport === 'tls' ? HOME_HOST : '127.0.0.1'
  const edge = (name: string, domain: string): string => `    - name: ${name}
      type: partner
      protocol: sip
      enabled: true
      verification: contacts
      domains: [${domain}]
      accessEdges: [${edgeOf(domain)}]
`
  return `log: { level: info, format: json }
dns: { servers: [{ address: 127.0.0.1, port: ${dnsPort} }] }
sip:
  tls:
    certificates: [{ name: edge, cert: ${files.gateway.certificate}, key: ${files.gateway.key} }]
    ca: ${files.gateway.authorities}
  limits: { connections: 20000 }
  listeners:
    - { name: inside, transport: ${transport}, address: 127.0.0.1, port: ${gatewayPort}, side: inside }
    - name: outside
      transport: tls
      address: 127.0.0.1
      port: ${provider?.gatewayPort}
      side: outside
      advertise: ${edgeOf(SIP_DOMAIN)}
federation:
  enabled: true
  sip: true
  homes:
    - name: main
      nextHop: sip:${host}:${ports.sipPort};transport=${transport}
      addresses: [127.0.0.1]
      enforce: edge
      congestionSafePath: ${transport !== 'udp'}
  servedDomains:
    - { name: ${SIP_DOMAIN}, home: main, users: any }
  providers:
${edge('Benchmark', PROVIDER_DOMAIN)}${edge('Deaf', DEAF_DOMAIN)}  blockedDomains:
    - { name: spam.example, comment: '' }
  contacts:
${contacts.join('')}`
}
