import type { Home } from '../federation/model.ts'
import { parseDomain } from '../kernel/domain.ts'
import type { Timer, Timers } from '../kernel/timer-wheel.ts'
import type { Located } from '../sip/locate/places.ts'
import type { SipUri } from '../sip/uri.ts'
import { parseUri } from '../sip/uri-parse.ts'
import type { Log } from './log.ts'
import { type Destination, destination, type Reach } from './reach.ts'

/** Where requests to a URI go (`locate`). */
export type Locate = (uri: SipUri) => Promise<Located>

/** Milliseconds until a home server is located again, where it was found and where it was not: records change. */
const AGAIN = 60_000
const SOON = 10_000

export interface HopsOptions {
  readonly locate: Locate
  readonly reach: Reach
  readonly timers: Timers
  readonly log: Log
}

/**
 * Where the home servers are (RFC 3263). They are located beforehand and again from time to time, so that no message
 * waits for it; one that cannot be found keeps the places it had.
 */
export class Hops {
  readonly #options: HopsOptions
  #places: ReadonlyMap<string, readonly Destination[]> = new Map()
  #again: Timer | undefined
  /** Counts the calls of `locate`: the last one wins, however long the resolver takes for those before. */
  #call = 0

  constructor(options: HopsOptions) {
    this.#options = options
  }

  /** In the order in which to try; empty: it was not found yet. */
  of(name: string): readonly Destination[] {
    const places = this.#places.get(name) ?? []
    if (places.length < 2) return places
    const order = this.#options.reach.order(places.map(({ target }) => target))
    return order.flatMap((target) => places.find((place) => place.target === target) ?? [])
  }

  /** Locates every home server anew; none is missing meanwhile. Never throws. */
  async locate(homes: Iterable<Home>): Promise<void> {
    const call = ++this.#call
    this.#again?.cancel()
    const all = [...homes].filter(({ nextHop }) => nextHop.kind === 'uri')
    const found = await Promise.all(all.map((home) => this.#find(home)))
    if (call !== this.#call) return
    const before = this.#places
    this.#places = new Map(
      all.map(({ name }, index) => [name, found[index] ?? before.get(name) ?? []] as const),
    )
    const named = all.some((home) => !isNumeric(home))
    if (!named) return
    const wait = found.includes(undefined) ? SOON : AGAIN
    this.#again = this.#options.timers.set(wait, () => void this.locate(all))
  }

  close(): void {
    this.#call++
    this.#again?.cancel()
  }

  async #find(home: Home): Promise<readonly Destination[] | undefined> {
    const { locate, log } = this.#options
    const uri = uriOf(home)
    const about = { home: home.name, nextHop: home.nextHop.kind === 'uri' ? home.nextHop.uri : undefined }
    if (uri === undefined) {
      log.error({ ...about, problem: 'not a SIP URI' }, 'no way to a home server')
      return undefined
    }
    try {
      const located = await locate(uri)
      if (located.ok) {
        const named = parseDomain(uri.host)
        const names = home.certificate !== undefined ? [home.certificate] : named.ok ? [named.value] : []
        // Written to from an inside listener (design: sides), where there is one.
        return located.value.map((target) => destination(target, 'inside', names))
      }
      const { kind, reason } = located.error
      if (kind === 'not-found') log.error({ ...about, problem: reason }, 'no way to a home server')
      else log.error({ ...about, reason }, 'a home server could not be looked up')
    } catch (error) {
      log.error({ ...about, err: error }, 'a home server could not be looked up')
    }
    return undefined
  }
}

function uriOf({ nextHop }: Home): SipUri | undefined {
  if (nextHop.kind !== 'uri') return undefined
  const uri = parseUri(nextHop.uri)
  return uri.ok && uri.value.scheme === 'sip' ? uri.value : undefined
}

const isNumeric = (home: Home): boolean => /^[\d.]+$|^\[/.test(uriOf(home)?.host ?? '')
