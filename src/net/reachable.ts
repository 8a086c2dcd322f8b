import { isIP } from 'node:net'

/** A single host can be reached there: no multicast, no broadcast, no wildcard; the port is a port. */
export function isReachable(address: string, port: number): boolean {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return false
  switch (isIP(address)) {
    case 4: {
      const first = Number.parseInt(address, 10)
      return first > 0 && first < 224
    }
    case 6:
      return address !== '::' && !/^ff/i.test(address)
    default:
      return false
  }
}
