import { BlockList, isIPv6 } from 'node:net'
import type { RowFinding } from './federation-rows.ts'
import type { FileValues } from './schema.ts'

/** RFC 1918, RFC 4193, link-local, loopback. */
const PRIVATE = new BlockList()
PRIVATE.addSubnet('127.0.0.0', 8)
PRIVATE.addSubnet('10.0.0.0', 8)
PRIVATE.addSubnet('172.16.0.0', 12)
PRIVATE.addSubnet('192.168.0.0', 16)
PRIVATE.addSubnet('169.254.0.0', 16)
PRIVATE.addAddress('::1', 'ipv6')
PRIVATE.addSubnet('fc00::', 7, 'ipv6')
PRIVATE.addSubnet('fe80::', 10, 'ipv6')

/** One name and one socket each; a home server is believed over UDP only where no one outside can reach. */
export function listenerFindings(listeners: FileValues['sip']['listeners']): RowFinding[] {
  const found: RowFinding[] = []
  const names = new Map<string, number>()
  const sockets = new Map<string, string>()
  listeners.forEach((listener, index) => {
    const { name, transport, address, port, side } = listener
    const socket = `${transport} ${address} ${port}`
    const path = ['sip', 'listeners', index]
    if (names.has(name)) {
      found.push({
        path: [...path, 'name'],
        message: `listener "${name}" is there twice`,
        cure: 'give one of them another name',
      })
    }
    const other = sockets.get(socket)
    if (other !== undefined) {
      found.push({
        path: [...path, 'port'],
        message: `listeners "${name}" and "${other}" are the same ${transport} port ${port} of ${address}`,
        cure: 'remove one, or give it another port',
      })
    }
    names.set(name, index)
    sockets.set(socket, name)
    if (
      side === 'inside' &&
      transport === 'udp' &&
      !PRIVATE.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
    ) {
      found.push({
        path: [...path, 'address'],
        message: `an inside listener over UDP on ${address}: anyone could forge a home server's address`,
        cure: 'bind it to a private address, use tcp, or make it side: outside',
      })
    }
  })
  return found
}
