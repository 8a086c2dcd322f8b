import { isIP } from 'node:net'
import type { Domain } from '../../kernel/domain.ts'
import type { Random } from '../../kernel/random.ts'
import { err, ok } from '../../kernel/result.ts'
import { lookUpAddresses } from '../../net/dns/addresses.ts'
import type { Lookups } from '../../net/dns/answer.ts'
import { dnsName } from '../../net/dns/name.ts'
import { inOrder } from '../../net/dns/srv-order.ts'
import { isReachable } from '../../net/reachable.ts'
import type { Located, Place, TlsStart } from './place.ts'

/** What finding the addresses of a server needs. */
export interface AddressDeps {
  readonly lookups: Lookups
  /** Address families that can be connected to, the preferred one first (both, 4 first). */
  readonly families?: readonly (4 | 6)[]
  /** Which addresses may be connected to (any single host): DNS belongs to strangers. */
  readonly reachable?: (address: string, port: number) => boolean
  readonly limits?: Partial<LocateLimits>
}

export interface LocateDeps extends AddressDeps {
  readonly random: Random
  /** Whether `_xmpps-server` is asked for; pointless where TLS is not to be used with a partner at all. */
  readonly directTls: boolean
}

export interface LocateLimits {
  /** SRV records whose addresses are looked up. */
  readonly servers: number
  /** Places in one list. */
  readonly places: number
}

export const DEFAULT_LOCATE_LIMITS: LocateLimits = { servers: 10, places: 20 }

/** RFC 6120 §14.7. */
export const DEFAULT_PORT = 5269

const SERVICE_OF = {
  direct: '_xmpps-server._tcp',
  starttls: '_xmpp-server._tcp',
} as const satisfies Record<TlsStart, string>

/**
 * Where to connect for a domain (RFC 6120 §3.2, XEP-0368 §3): by both kinds of SRV records, put in order as if they were
 * of one kind; by the domain's own addresses only where it decidedly has none of either. A question that cannot be
 * answered leaves the records of the other kind, since whether a stream may go without TLS is not for DNS to say.
 * Rejects only with the reason of an aborted signal.
 */
export async function locate(domain: Domain, deps: LocateDeps, signal?: AbortSignal): Promise<Located> {
  const starts: readonly TlsStart[] = deps.directTls ? ['direct', 'starttls'] : ['starttls']
  const answers = await Promise.all(
    starts.map(async (tls) => {
      const name = `${SERVICE_OF[tls]}.${domain}`
      return { tls, name, answer: await deps.lookups.srv(name, signal) }
    }),
  )
  const records = answers.flatMap(({ tls, answer }) =>
    answer.kind === 'records' ? answer.records.map((record) => ({ ...record, tls })) : [],
  )
  const unknown = answers.flatMap(({ name, answer }) =>
    answer.kind === 'failed'
      ? [err({ kind: 'unknown', reason: `SRV of ${name}: ${answer.reason}` } as const)]
      : [],
  )[0]
  const servers = inOrder(records, deps.random)
  if (servers.length > 0) {
    const named = servers.map(({ target, port, tls }) => ({ name: target, port, tls }))
    const found = await placesOf(domain, named, deps, signal)
    return found.ok ? found : (unknown ?? found)
  }
  if (unknown !== undefined) return unknown
  if (records.length > 0)
    return err({ kind: 'not-offered', reason: `${domain} says that it has no XMPP for servers` })
  const bare = await placesOf(domain, [{ name: domain, port: DEFAULT_PORT, tls: 'starttls' }], deps, signal)
  return bare.ok || bare.error.kind !== 'not-found'
    ? bare
    : err({ ...bare.error, reason: `${bare.error.reason}, and no SRV` })
}

/**
 * Do SRV records name servers for that domain? A bare address says nothing of what is there. Undefined: it could not be
 * found out. Rejects only with the reason of an aborted signal.
 */
export async function namesServers(
  domain: Domain,
  { lookups }: Pick<AddressDeps, 'lookups'>,
  signal?: AbortSignal,
): Promise<boolean | undefined> {
  const answers = await Promise.all(
    Object.values(SERVICE_OF).map((service) => lookups.srv(`${service}.${domain}`, signal)),
  )
  const named = answers.some(
    (answer) => answer.kind === 'records' && answer.records.some(({ target }) => target !== '.'),
  )
  return named ? true : answers.some(({ kind }) => kind === 'failed') ? undefined : false
}

/** A configured place (RFC 6120 §3.2.3): a host name or an IP literal without brackets, where there is no SRV to ask. */
export interface FixedHost {
  readonly host: string
  /** 5269 unless given. */
  readonly port?: number | undefined
  /** `starttls` unless given. */
  readonly tls?: TlsStart | undefined
}

/** The addresses of a configured place. Who must be there is the domain all the same. */
export async function locateHost(
  domain: Domain,
  { host, port = DEFAULT_PORT, tls = 'starttls' }: FixedHost,
  deps: AddressDeps,
  signal?: AbortSignal,
): Promise<Located> {
  if (isIP(host) !== 0) {
    const places = usable([{ tls, address: host, port, domain, server: host }], deps)
    return places.length > 0
      ? ok(places)
      : err({ kind: 'not-found', reason: `${host} cannot be connected to` })
  }
  const name = dnsName(host)
  return name === undefined
    ? err({ kind: 'not-found', reason: 'the fixed host is no host name' })
    : placesOf(domain, [{ name, port, tls }], deps, signal)
}

interface Server {
  readonly name: string
  readonly port: number
  readonly tls: TlsStart
}

/** The addresses of these servers in their order. Those that cannot be looked up are left out while others remain. */
async function placesOf(
  domain: Domain,
  servers: readonly Server[],
  deps: AddressDeps,
  signal: AbortSignal | undefined,
): Promise<Located> {
  const limits = { ...DEFAULT_LOCATE_LIMITS, ...deps.limits }
  const found = await Promise.all(
    servers.slice(0, limits.servers).map(async (server) => ({
      server,
      ...(await lookUpAddresses(server.name, deps.lookups, deps.families ?? [4, 6], signal)),
    })),
  )
  const all = found.flatMap(({ server: { name, port, tls }, addresses }) =>
    addresses.map((address): Place => ({ tls, address, port, domain, server: name })),
  )
  const places = usable(all, deps).slice(0, limits.places)
  if (places.length > 0) return ok(places)
  for (const { server, failure } of found)
    if (failure !== undefined)
      return err({ kind: 'unknown', reason: `addresses of ${server.name}: ${failure}` })
  const names = [...new Set(found.map(({ server }) => server.name))].join(', ')
  const reason = all.length > 0 ? `no address of ${names} can be connected to` : `no address of ${names}`
  return err({ kind: 'not-found', reason })
}

/** Those that may be connected to, each once. */
function usable(places: readonly Place[], deps: AddressDeps): readonly Place[] {
  const reachable = deps.reachable ?? isReachable
  const seen = new Set<string>()
  return places.filter(({ tls, address, port }) => {
    const key = `${tls} ${address} ${port}`
    if (seen.has(key) || !reachable(address, port)) return false
    seen.add(key)
    return true
  })
}
