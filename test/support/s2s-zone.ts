import type { Zone, ZoneEntry } from './dns-server.ts'

export interface S2sPlace {
  /** `_xmpp-server._tcp` points there; absent: no such record. `.`: it says that there is no such service. */
  readonly port?: number | '.'
  /** `_xmpps-server._tcp`, likewise. */
  readonly directPort?: number | '.'
  /** Of its host, 127.0.0.1 unless told. */
  readonly address?: string
  /**
   * Its host, `xmpp.` and the domain unless told. COMPAT(ejabberd): it asks DNS for SRV only, and the C library for addresses, which
   * knows `localhost` alone.
   */
  readonly host?: string
}

/** DNS as domains publish it that take S2S streams; direct TLS is preferred, where there is both. */
export function s2sZone(domains: Readonly<Record<string, S2sPlace>>): Zone {
  const zone: Record<string, ZoneEntry> = {}
  for (const [domain, place] of Object.entries(domains)) {
    const { port, directPort, address = '127.0.0.1', host = `xmpp.${domain}` } = place
    zone[host] = address.includes(':') ? { AAAA: [address] } : { A: [address] }
    if (directPort !== undefined) zone[`_xmpps-server._tcp.${domain}`] = service(directPort, host, 0)
    if (port !== undefined) zone[`_xmpp-server._tcp.${domain}`] = service(port, host, 10)
  }
  return zone
}

const service = (port: number | '.', target: string, priority: number): ZoneEntry => ({
  SRV: [port === '.' ? { port: 0, target: '.' } : { port, target, priority }],
})
