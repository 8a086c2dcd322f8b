import type { Element } from '@xmpp/xml'
import type { LogLine } from './dragoman.ts'
import { identityOf, type TlsIdentity } from './identity.ts'
import { type FederatedGateway, OWN } from './s2s-bed.ts'
import { type S2sPeer, startS2sPeer } from './s2s-peer.ts'
import type { Outcome, Receiving } from './s2s-roles.ts'
import type { S2sStream } from './s2s-stream.ts'
import { conditionOf, NS } from './s2s-words.ts'
import { type S2sPlace, s2sZone } from './s2s-zone.ts'

export interface GuestOptions {
  readonly domain: string
  /** What it shows in TLS; of the authority that the gateway believes, unless told. `none`: it has no TLS. */
  readonly identity?: TlsIdentity | 'none'
  /** How it takes streams; as it comes, unless told. `by hand`: the test does. */
  readonly receiving?: Receiving | 'by hand'
  /** Where DNS says that it is: its STARTTLS port, unless told. */
  readonly published?: 'starttls' | 'direct' | 'nowhere'
}

/** A scripted server that the gateway finds by DNS, and that knows where the gateway is. */
export async function startGuest(world: FederatedGateway, options: GuestOptions): Promise<S2sPeer> {
  const { domain, receiving = {}, published = 'starttls' } = options
  const { identity = identityOf(world.authority, domain) } = options
  const peer = await startS2sPeer({
    domain,
    ...(identity !== 'none' && { identity }),
    ...(receiving !== 'by hand' && { receiving }),
    places: { [OWN]: world.ports.s2s },
  })
  if (published !== 'nowhere') {
    const there = published === 'direct' ? { directPort: peer.directPort } : { port: peer.port }
    publish(world, domain, there)
  }
  return peer
}

/** DNS says so from now on, and does not want it remembered. */
export function publish({ dns }: FederatedGateway, domain: string, place: S2sPlace): void {
  for (const [name, entry] of Object.entries(s2sZone({ [domain]: { host: 'localhost', ...place } })))
    dns.set(name, { ...entry, ttl: 0 })
}

/** A provider's row for these domains, over streams from server to server. */
export const providerOf = (name: string, domains: readonly string[], more: object = {}): object => ({
  ...{ name, type: 'partner', protocol: 'xmpp', verification: 'all', domains, link: 'internet' },
  ...more,
})

/** A message as it is on the wire. */
export const messageXml = (from: string, to: string, body: string): string =>
  `<message from='${from}' to='${to}' type='chat'><body>${body}</body></message>`

/** The stream, where there is one. */
export function established(outcome: Outcome): S2sStream {
  if (outcome.kind === 'established') return outcome.stream
  throw new Error(`refused by ${outcome.by}: ${outcome.condition}\n${outcome.stream.report()}`)
}

/** That a stream of the gateway with a domain is proved. */
export const provedWith =
  (other: string, direction: 'in' | 'out') =>
  ({ msg, direction: way, pair }: LogLine): boolean => {
    const { sender, target } = (pair ?? {}) as { sender?: string; target?: string }
    const there = direction === 'in' ? sender : target
    return msg === 'a stream between servers is proved' && way === direction && there === other
  }

/** The gateway's counters as they are now. */
export async function countersOf({ gateway }: FederatedGateway): Promise<Readonly<Record<string, number>>> {
  gateway.signal('SIGUSR2')
  const { counters } = await gateway.log.next(({ msg }) => msg === 'stats')
  return counters as Readonly<Record<string, number>>
}

/** By which stream error of the gateway a stream ended that a scripted server serves: that has taken it already. */
export async function lastErrorOf(stream: S2sStream): Promise<string | undefined> {
  await stream.closed
  const error = stream.elements.all.find((element) => element.is('error', NS.streams))
  return error && conditionOf(error)
}

export const bodyOf = (stanza: Element): string | null => stanza.getChildText('body')
