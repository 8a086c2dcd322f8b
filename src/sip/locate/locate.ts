import { isIP } from 'node:net'
import { err, ok } from '../../kernel/result.ts'
import type { SrvRecord } from '../../net/dns/answer.ts'
import { dnsName } from '../../net/dns/name.ts'
import { inOrder } from '../../net/dns/srv-order.ts'
import type { SipUri } from '../uri.ts'
import { type Service, servicesOf } from './naptr.ts'
import { addressesOf, type LocateDeps, type Located, usableTargets } from './places.ts'
import { srvName } from './srv.ts'
import { DEFAULT_PORTS, notFound, type Transport, unavailable } from './target.ts'
import { type Wanted, wantedHost, wantedOf } from './wanted.ts'

/**
 * Where requests to a URI go (RFC 3263 §4): never empty, in the order in which to try. It is asked once for each
 * transaction; a retransmission, a CANCEL and the ACK to a failure go where their request went (§4.1, §4.4).
 * Rejects only with the reason of an aborted signal.
 */
export async function locate(uri: SipUri, deps: LocateDeps, signal?: AbortSignal): Promise<Located> {
  const wanted = wantedOf(uri)
  return wanted.ok ? find(wanted.value, deps, signal) : wanted
}

/** The same for a configured place: a name or an IP literal, and a transport where it is fixed. */
export const locateHost = (
  place: { readonly host: string; readonly port?: number | undefined; readonly transport?: Transport },
  deps: LocateDeps,
  signal?: AbortSignal,
): Promise<Located> => find(wantedHost(place.host, place.port, place.transport), deps, signal)

async function find(wanted: Wanted, deps: LocateDeps, signal: AbortSignal | undefined): Promise<Located> {
  const transports = wanted.secure ? deps.transports.filter((one) => one === 'tls') : deps.transports
  const usual = wanted.transport ?? USUAL.find((one) => transports.includes(one))
  if (usual === undefined || !transports.includes(usual))
    return err(notFound(`transport ${wanted.transport ?? 'of the URI'} is not supported`))

  const { host, target, port } = wanted
  if (isIP(target) !== 0) return numeric(wanted, usual, deps)
  const domain = dnsName(target)
  if (domain === undefined) return err(notFound('no host name'))
  if (port !== undefined) return addressesOf([{ name: domain, port }], usual, host, deps, signal)

  const named = wanted.transport !== undefined
  let services: readonly Service[] = []
  if (!named) {
    const naptr = await deps.lookups.naptr(domain, signal)
    // Whoever could suppress this answer would decide whether TLS is used.
    if (naptr.kind === 'failed') return err(unavailable(`NAPTR of ${domain}: ${naptr.reason}`))
    if (naptr.kind === 'records') services = servicesOf(naptr.records, wanted.secure, transports)
  }
  const chosen = services.length > 0 ? services : ownServices(domain, named ? [usual] : transports)
  const servers = await serversOf(chosen, deps, signal)
  switch (servers.kind) {
    case 'servers': {
      const places = servers.servers.map((record) => ({ name: record.target, port: record.port }))
      return addressesOf(places, servers.transport, host, deps, signal)
    }
    case 'denied':
      return err(notFound(`${servers.name} says that there is no such service`))
    case 'failed':
      return err(unavailable(`SRV of ${servers.name}: ${servers.reason}`))
    case 'none': {
      const transport = services[0]?.transport ?? usual
      return addressesOf([{ name: domain, port: DEFAULT_PORTS[transport] }], transport, host, deps, signal)
    }
  }
}

/** §4.1: UDP where nothing says otherwise, since everybody has it; the next where we do not have it. */
const USUAL: readonly Transport[] = ['udp', 'tcp', 'tls']

function numeric(wanted: Wanted, transport: Transport, deps: LocateDeps): Located {
  const { host, target, port = DEFAULT_PORTS[transport] } = wanted
  const targets = usableTargets([{ transport, address: target, port, host, server: target }], deps)
  return targets.length > 0 ? ok(targets) : err(notFound(`${target} cannot be sent to`))
}

/** §4.1: without NAPTR records, a query for each transport that we support. */
const ownServices = (domain: string, transports: readonly Transport[]): readonly Service[] =>
  transports.map((transport) => ({ transport, name: srvName(transport, domain) }))

type Servers =
  | { readonly kind: 'servers'; readonly servers: readonly SrvRecord[]; readonly transport: Transport }
  | { readonly kind: 'none' }
  /** Records, but no server (RFC 2782: a target of `.`). */
  | { readonly kind: 'denied'; readonly name: string }
  | { readonly kind: 'failed'; readonly name: string; readonly reason: string }

/**
 * The SRV records of the best service that has any. One that cannot be looked up ends the search: to go on would be
 * to give up a better transport, TLS perhaps, because of somebody who can disturb a query.
 */
async function serversOf(
  services: readonly Service[],
  deps: LocateDeps,
  signal: AbortSignal | undefined,
): Promise<Servers> {
  const answers = await Promise.all(services.map(({ name }) => deps.lookups.srv(name, signal)))
  let denied: Servers | undefined
  for (const [index, { transport, name }] of services.entries()) {
    const answer = answers[index]
    if (answer?.kind === 'failed') return { kind: 'failed', name, reason: answer.reason }
    if (answer?.kind !== 'records') continue
    const servers = inOrder(answer.records, deps.random)
    if (servers.length > 0) return { kind: 'servers', servers, transport }
    denied ??= { kind: 'denied', name }
  }
  return denied ?? { kind: 'none' }
}
