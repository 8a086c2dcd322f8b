import { isIP } from 'node:net'
import { err, ok } from '../../kernel/result.ts'
import { dnsName } from '../../net/dns/name.ts'
import { param } from '../scan.ts'
import { parsePort } from '../uri-parse.ts'
import type { Via } from '../via.ts'
import { addressesOf, type LocateDeps, type Located, usableTargets } from './places.ts'
import { inOrder, srvName } from './srv.ts'
import { DEFAULT_PORTS, notFound, type Target, type Transport, unavailable } from './target.ts'

/** Where a response may go that cannot go back the way its request came. */
export type ResponsePlace =
  | { readonly kind: 'address'; readonly address: string; readonly port: number }
  /** A name with a port: A and AAAA. */
  | { readonly kind: 'host'; readonly name: string; readonly port: number }
  /** A name without one: SRV. */
  | { readonly kind: 'domain'; readonly name: string }

export interface ResponseRoute {
  readonly transport: Transport
  /** Lower case, without brackets. */
  readonly host: string
  /** In the order in which to try. */
  readonly places: readonly ResponsePlace[]
}

/**
 * What the topmost Via, as it was received and marked here, says about that: first `received` (RFC 3261 §18.2.2), over
 * UDP with `rport` (RFC 3581 §4), then `sent-by` (RFC 3263 §5). `maddr` is not followed. Undefined for a transport that
 * is not ours.
 */
export function responseRoute(via: Via): ResponseRoute | undefined {
  const transport = TRANSPORTS[via.transport]
  if (transport === undefined) return undefined
  const port = via.port ?? DEFAULT_PORTS[transport]
  const host = bare(via.host)
  const places: ResponsePlace[] = []
  const received = bare(param(via.params, 'received') ?? '')
  if (isIP(received) !== 0) {
    const rport = transport === 'udp' ? parsePort(param(via.params, 'rport') ?? '') : undefined
    places.push({ kind: 'address', address: received, port: rport ?? port })
  }
  if (isIP(host) !== 0) {
    const [first] = places
    const same = first?.kind === 'address' && first.address === host && first.port === port
    if (!same) places.push({ kind: 'address', address: host, port })
  } else {
    const name = dnsName(host)
    if (name !== undefined)
      places.push(via.port === undefined ? { kind: 'domain', name } : { kind: 'host', name, port })
  }
  return { transport, host, places }
}

const TRANSPORTS: Readonly<Record<string, Transport>> = { UDP: 'udp', TCP: 'tcp', TLS: 'tls' }

const bare = (host: string): string => (host.startsWith('[') ? host.slice(1, -1) : host).toLowerCase()

/** Looks these places up. Rejects only with the reason of an aborted signal. */
export async function locateResponse(
  route: ResponseRoute,
  deps: LocateDeps,
  signal?: AbortSignal,
): Promise<Located> {
  const found = await Promise.all(route.places.map((place) => targetsOf(place, route, deps, signal)))
  const targets = usableTargets(
    found.flatMap((each): readonly Target[] => (each.ok ? each.value : [])),
    deps,
  )
  if (targets.length > 0) return ok(targets)
  return found.find((each) => !each.ok) ?? err(notFound(`no place for a response to ${route.host}`))
}

async function targetsOf(
  place: ResponsePlace,
  route: ResponseRoute,
  deps: LocateDeps,
  signal: AbortSignal | undefined,
): Promise<Located> {
  const { transport, host } = route
  switch (place.kind) {
    case 'address':
      return ok([{ transport, address: place.address, port: place.port, host, server: host }])
    case 'host':
      return addressesOf([place], transport, host, deps, signal)
    case 'domain':
      return domainTargets(place.name, route, deps, signal)
  }
}

/** RFC 2782, whose usage rules end with the addresses of the name itself where it has no SRV records. */
async function domainTargets(
  name: string,
  route: ResponseRoute,
  deps: LocateDeps,
  signal: AbortSignal | undefined,
): Promise<Located> {
  const { transport, host } = route
  const service = srvName(transport, name)
  const answer = await deps.lookups.srv(service, signal)
  switch (answer.kind) {
    case 'failed':
      return err(unavailable(`SRV of ${service}: ${answer.reason}`))
    case 'none':
      return addressesOf([{ name, port: DEFAULT_PORTS[transport] }], transport, host, deps, signal)
    case 'records': {
      const servers = inOrder(answer.records, deps.random)
      if (servers.length === 0) return err(notFound(`${service} says that there is no such service`))
      const places = servers.map((record) => ({ name: record.target, port: record.port }))
      return addressesOf(places, transport, host, deps, signal)
    }
  }
}
