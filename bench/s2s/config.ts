import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Authority, type Issued } from '../../test/support/certificates.ts'

export const OWN = 'sip.example'
/** The domain of every other server is one label in front of this. */
export const PEERS = 'peers.example'
export const peerDomain = (i: number): string => `d${i}.${PEERS}`

export interface Ports {
  /** Of the gateway: inside over UDP, and for other servers. */
  readonly sip: number
  readonly s2s: number
  readonly home: number
  /** Where all the other servers are. */
  readonly peers: number
}

export interface Identities {
  readonly authority: Authority
  readonly peers: Issued
}

/** Writes what the gateway needs below `directory`. @returns the configuration file, and who the others are */
export function writeConfig(directory: string, ports: Ports, streams: number): Identities & { file: string } {
  const authority = new Authority('Benchmark')
  const issue = (name: string): Issued =>
    authority.issue({ commonName: name, dns: [name], purposes: ['server', 'client'] })
  const own = issue(OWN)
  const place = (name: string, text: string): string => {
    const path = join(directory, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  const file = place(
    'gateway.config.yaml',
    `log: { level: info, format: json }
sip:
  listeners: [{ name: inside, transport: udp, address: 127.0.0.1, port: ${ports.sip}, side: inside }]
xmpp:
  tls:
    certificates: [{ name: own, cert: ${place('own.pem', own.cert)}, key: ${place('own.key', own.key)} }]
    ca: ${place('ca.pem', authority.pem)}
  s2s:
    listeners: [{ name: s2s, address: 127.0.0.1, port: ${ports.s2s} }]
    limits: { connections: ${streams * 4}, connectionsPerAddress: ${streams * 4} }
federation:
  homes: [{ name: main, nextHop: "sip:127.0.0.1:${ports.home};transport=udp", addresses: [127.0.0.1] }]
  servedDomains: [{ name: ${OWN}, home: main, links: [internet] }]
  links: [{ name: internet, kind: s2s }]
  providers:
    - name: Everybody
      type: partner
      protocol: xmpp
      verification: all
      domains: ["*.${PEERS}"]
      link: internet
      server: { host: 127.0.0.1, port: ${ports.peers} }
      negotiation: { tls: required, sasl: required, dialback: false }
`,
  )
  return { authority, peers: issue(`*.${PEERS}`), file }
}
