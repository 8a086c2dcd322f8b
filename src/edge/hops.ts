import type { Home } from '../federation/model.ts'
import { param } from '../sip/scan.ts'
import type { Hop } from '../sip/transport/place.ts'
import { parseUri } from '../sip/uri-parse.ts'

/** Finds an address for a host name; undefined: there is none. */
export type FindAddress = (host: string) => Promise<string | undefined>

export type HopProblem = 'not-a-sip-uri' | 'no-address'

/** The next hop of a home server: transport and port from its URI (UDP and 5060 unless told), the address looked up. */
export async function hopOf(home: Home, find: FindAddress): Promise<Hop | HopProblem> {
  if (home.nextHop.kind !== 'uri') return 'not-a-sip-uri'
  const uri = parseUri(home.nextHop.uri)
  if (!uri.ok || uri.value.scheme !== 'sip') return 'not-a-sip-uri'
  const address = await find(uri.value.host)
  if (address === undefined) return 'no-address'
  const transport = param(uri.value.params, 'transport')?.toLowerCase() === 'tcp' ? 'tcp' : 'udp'
  return { transport, address, port: uri.value.port ?? 5060 }
}
