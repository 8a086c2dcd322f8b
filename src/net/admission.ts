import { isIPv6 } from 'node:net'

/** How many may be in: all together, and from one address. */
export class Admission {
  readonly #total: number
  readonly #perAddress: number
  readonly #from = new Map<string, number>()
  #size = 0

  constructor(limits: { total: number; perAddress: number }) {
    this.#total = limits.total
    this.#perAddress = limits.perAddress
  }

  get size(): number {
    return this.#size
  }

  /** Which limit keeps the next one out; undefined: it is in, and `leave` is due. */
  enter(address: string): 'total' | 'address' | undefined {
    if (this.#size >= this.#total) return 'total'
    const network = networkOf(address)
    const there = this.#from.get(network) ?? 0
    if (there >= this.#perAddress) return 'address'
    this.#from.set(network, there + 1)
    this.#size++
    return undefined
  }

  leave(address: string): void {
    const network = networkOf(address)
    const there = this.#from.get(network) ?? 0
    if (there > 1) this.#from.set(network, there - 1)
    else this.#from.delete(network)
    this.#size--
  }
}

/** What one peer has to itself: an IPv4 address, the first 64 bits of an IPv6 address. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.toLowerCase().split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  const groups = [...before, ...Array.from({ length: missing }, () => '0'), ...after]
  return `${groups.slice(0, 4).join(':')}::/64`
}
