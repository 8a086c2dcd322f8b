import type { Random } from '../../kernel/random.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import { lookUpAddresses } from '../../net/dns/addresses.ts'
import type { Lookups } from '../../net/dns/answer.ts'
import { isReachable } from '../../net/reachable.ts'
import { type LocateFailure, notFound, type Target, type Transport, unavailable } from './target.ts'

/** What locating needs. */
export interface LocateDeps {
  readonly lookups: Lookups
  readonly random: Random
  /** Those that can be sent over, in the order in which we prefer them where the choice is ours. */
  readonly transports: readonly Transport[]
  /** Address families that can be sent to, the preferred one first (both, 4 first). */
  readonly families?: readonly (4 | 6)[]
  /** Which addresses may be sent to (any single host): DNS belongs to strangers. */
  readonly reachable?: (address: string, port: number) => boolean
  readonly limits?: Partial<LocateLimits>
}

export interface LocateLimits {
  /** SRV records whose addresses are looked up. */
  readonly servers: number
  /** Places in one list. */
  readonly targets: number
}

export const DEFAULT_LOCATE_LIMITS: LocateLimits = { servers: 10, targets: 20 }

export type Located = Result<readonly Target[], LocateFailure>

/** A server whose addresses are to be looked up. */
export interface Server {
  readonly name: string
  readonly port: number
}

/** The addresses of these servers in their order. Those that cannot be looked up are left out while others remain. */
export async function addressesOf(
  servers: readonly Server[],
  transport: Transport,
  host: string,
  deps: LocateDeps,
  signal?: AbortSignal,
): Promise<Located> {
  const limits = { ...DEFAULT_LOCATE_LIMITS, ...deps.limits }
  const found = await Promise.all(
    servers.slice(0, limits.servers).map(async (server) => ({
      server,
      ...(await lookUpAddresses(server.name, deps.lookups, deps.families ?? [4, 6], signal)),
    })),
  )
  const targets: Target[] = []
  for (const { server, addresses } of found)
    for (const address of addresses)
      targets.push({ transport, address, port: server.port, host, server: server.name })
  const usable = usableTargets(targets, deps).slice(0, limits.targets)
  if (usable.length > 0) return ok(usable)
  const failed = found.find(({ failure }) => failure !== undefined)
  return failed === undefined
    ? err(notFound(`no address of ${found.map(({ server }) => server.name).join(', ')}`))
    : err(unavailable(`addresses of ${failed.server.name}: ${failed.failure}`))
}

/** Those that may be sent to, each place once. */
export function usableTargets(targets: readonly Target[], deps: LocateDeps): readonly Target[] {
  const reachable = deps.reachable ?? isReachable
  const seen = new Set<string>()
  return targets.filter((target) => {
    const place = `${target.transport} ${target.address} ${target.port}`
    if (seen.has(place) || !reachable(target.address, target.port)) return false
    seen.add(place)
    return true
  })
}
