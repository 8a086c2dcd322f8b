import { isIP } from 'node:net'
import type { DnsServer } from './exchange.ts'
import { dnsName } from './name.ts'

/** `nameserver` lines (resolv.conf(5)); the server of this machine where there is none. Nothing else of it is used. */
export function parseResolvConf(text: string): readonly DnsServer[] {
  const servers: DnsServer[] = []
  for (const line of text.split('\n')) {
    const [word, address] = line.trim().split(/\s+/)
    if (word === 'nameserver' && address !== undefined && isIP(address) !== 0)
      servers.push({ address, port: 53 })
  }
  return servers.length === 0 ? [{ address: '127.0.0.1', port: 53 }] : servers
}

/** The addresses of a name. A name that has any here has no others. */
export interface HostAddresses {
  readonly A: readonly string[]
  readonly AAAA: readonly string[]
}

export type Hosts = (name: string) => HostAddresses | undefined

const LOOPBACK: HostAddresses = { A: ['127.0.0.1'], AAAA: ['::1'] }

/** hosts(5), and the names that never leave the machine (RFC 6761 §6.3). Addresses with a zone are left out. */
export function parseHosts(text: string): Hosts {
  const names = new Map<string, { A: string[]; AAAA: string[] }>()
  for (const line of text.split('\n')) {
    const [address = '', ...words] = (line.split('#', 1)[0] as string).trim().split(/\s+/)
    const family = address.includes('%') ? 0 : isIP(address)
    if (family === 0) continue
    for (const word of words) {
      const name = dnsName(word)
      if (name === undefined) continue
      const entry = names.get(name) ?? { A: [], AAAA: [] }
      names.set(name, entry)
      entry[family === 4 ? 'A' : 'AAAA'].push(address)
    }
  }
  return (name) =>
    names.get(name) ?? (name === 'localhost' || name.endsWith('.localhost') ? LOOPBACK : undefined)
}
