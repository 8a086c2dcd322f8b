import { type Load, SIP_DOMAIN, sipUser, XMPP_DOMAIN, xmppUser } from './load/run.ts'

/**
 * The shipped example with ports of its own, and a list of contacts for every served user: the provider's level is
 * `contacts`, so each message from outside is delivered only because its sender stands on the recipient's Allow list.
 */
export function gatewayConfig(load: Omit<Load, 'watch'>, xmppPort: number, sipPort: number): string {
  const contacts = Array.from({ length: load.conversations }, (_, i) => {
    const neighbour = (i + 1) % load.conversations
    return (
      `    - user: sip:${sipUser(i)}\n` +
      `      allow: [${xmppUser(neighbour)}, '@friends.example', ${xmppUser(i)}]\n` +
      `      block: [tybalt@${XMPP_DOMAIN}, '@spam.example']\n`
    )
  })
  return `log: { level: info, format: json }
sip:
  listeners:
    - { name: inside-udp, transport: udp, address: 127.0.0.1, port: ${load.gatewayPort}, side: inside }
    - { name: inside-tcp, transport: tcp, address: 127.0.0.1, port: ${load.gatewayPort}, side: inside }
federation:
  enabled: true
  sip: true
  publicIm: true
  xmpp: true
  homes:
    - name: main
      nextHop: sip:127.0.0.1:${sipPort};transport=${load.transport}
      addresses: [127.0.0.1]
      enforce: edge
      congestionSafePath: ${load.transport === 'tcp'}
  servedDomains:
    - { name: ${SIP_DOMAIN}, home: main, users: any, links: [xmpp] }
  links:
    - name: xmpp
      kind: component
      host: 127.0.0.1
      port: ${xmppPort}
      domain: ${SIP_DOMAIN}
      secret: { env: DRAGOMAN_BENCH_SECRET }
      remote: [${XMPP_DOMAIN}]
      vouches: unverified
      addressing: straight
  providers:
    - name: Benchmark
      type: partner
      protocol: xmpp
      enabled: true
      verification: contacts
      domains: [${XMPP_DOMAIN}]
      link: xmpp
  blockedDomains:
    - { name: spam.example, comment: '' }
  contacts:
${contacts.join('')}`
}
