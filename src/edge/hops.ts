import type { Home } from '../federation/model.ts'
import { parseDomain } from '../kernel/domain.ts'
import type { Timer, Timers } from '../kernel/timer-wheel.ts'
import { param } from '../sip/scan.ts'
import type { Hop } from '../sip/transport/place.ts'
import { parseUri } from '../sip/uri-parse.ts'
import type { Log } from './log.ts'

/** Finds an address for a host name; undefined: there is none. Throws when it could not find out. */
export type FindAddress = (host: string) => Promise<string | undefined>

export type HopProblem = 'not-a-sip-uri' | 'no-address'

/**
 * The next hop of a home server: transport and port from its URI (UDP and 5060 unless told, 5061 over TLS), the address looked up. It is
 * written to from an inside listener (design: sides), where there is one.
 */
export async function hopOf(home: Home, find: FindAddress): Promise<Hop | HopProblem> {
  if (home.nextHop.kind !== 'uri') return 'not-a-sip-uri'
  const uri = parseUri(home.nextHop.uri)
  if (!uri.ok || uri.value.scheme !== 'sip') return 'not-a-sip-uri'
  const address = await find(uri.value.host)
  if (address === undefined) return 'no-address'
  const wanted = param(uri.value.params, 'transport')?.toLowerCase()
  const { port } = uri.value
  if (wanted === 'tls') {
    const named = parseDomain(uri.value.host)
    const names = home.certificate !== undefined ? [home.certificate] : named.ok ? [named.value] : []
    return { transport: 'tls', address, port: port ?? 5061, side: 'inside', names }
  }
  return { transport: wanted === 'tcp' ? 'tcp' : 'udp', address, port: port ?? 5060, side: 'inside' }
}

/** Milliseconds until a name that did not resolve is looked up again. */
const AGAIN = 10_000

export interface HopsOptions {
  readonly find: FindAddress
  readonly timers: Timers
  readonly log: Log
}

/** Where the home servers are. A name that does not resolve is looked up again until it does. */
export class Hops {
  readonly #options: HopsOptions
  #hops: ReadonlyMap<string, Hop> = new Map()
  #again: Timer | undefined
  /** Counts the calls of `locate`: the last one wins, however long the resolver takes for those before. */
  #call = 0

  constructor(options: HopsOptions) {
    this.#options = options
  }

  of(name: string): Hop | undefined {
    return this.#hops.get(name)
  }

  /** Looks up every home server anew; none is missing meanwhile. Never throws. */
  async locate(homes: Iterable<Home>): Promise<void> {
    const call = ++this.#call
    this.#again?.cancel()
    const all = [...homes].filter(({ nextHop }) => nextHop.kind === 'uri')
    const found = await Promise.all(all.map((home) => this.#find(home)))
    if (call !== this.#call) return
    this.#hops = new Map(found.flatMap((hop, index) => (hop ? [[all[index]?.name ?? '', hop]] : [])))
    if (found.includes(undefined)) this.#again = this.#options.timers.set(AGAIN, () => void this.locate(all))
  }

  close(): void {
    this.#call++
    this.#again?.cancel()
  }

  async #find(home: Home): Promise<Hop | undefined> {
    const { find, log } = this.#options
    const about = { home: home.name, nextHop: home.nextHop.kind === 'uri' ? home.nextHop.uri : undefined }
    try {
      const hop = await hopOf(home, find)
      if (typeof hop === 'object') return hop
      log.error({ ...about, problem: hop }, 'no way to a home server')
    } catch (error) {
      log.error({ ...about, err: error }, 'a home server could not be looked up')
    }
    return undefined
  }
}
