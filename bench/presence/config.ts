import { SIP_DOMAIN, XMPP_DOMAIN } from '../load/run.ts'

/** The default configuration with a store, and a provider whose people may all be seen. */
export const presenceConfig = (gatewayPort: number, sipPort: number, xmppPort: number): string => `
log: { level: info, format: json }
sip:
  listeners:
    - { name: inside-udp, transport: udp, address: 127.0.0.1, port: ${gatewayPort}, side: inside }
store: { sqlite: presence.db }
federation:
  homes:
    - { name: main, nextHop: 'sip:127.0.0.1:${sipPort};transport=udp', addresses: [127.0.0.1] }
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
      verification: all
      domains: [${XMPP_DOMAIN}]
      link: xmpp
`
