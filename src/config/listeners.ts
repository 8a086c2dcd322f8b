import { isPrivate } from '../net/private-addresses.ts'
import type { RowFinding } from './federation-rows.ts'
import type { FileValues } from './schema.ts'

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
    if (side === 'inside' && transport === 'udp' && !isPrivate(address)) {
      found.push({
        path: [...path, 'address'],
        message: `an inside listener over UDP on ${address}: anyone could forge a home server's address`,
        cure: 'bind it to a private address, use tcp, or make it side: outside',
      })
    }
  })
  return found
}
