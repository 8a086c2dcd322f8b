import { type Conflict, conflict, type RowRef, rowRef, type Warning, warning } from './conflicts.ts'
import { textOfPattern } from './domain-pattern.ts'
import type { ComponentLink, Link } from './model.ts'
import { PatternIndex } from './pattern-index.ts'
import type { FederationInput } from './snapshot.ts'

interface Placed {
  readonly link: ComponentLink
  readonly index: number
}

/** Component links: one connection each, one link for a remote domain, and addresses that can be written on it. */
export function checkLinks(input: FederationInput): Conflict[] {
  const components = input.links.flatMap((link, index) =>
    link.kind === 'component' ? [{ link, index }] : [],
  )
  return [
    ...checkConnections(components),
    ...checkAddressing(components, input),
    ...checkBindings(components, input),
    ...checkProviders(components, input),
  ]
}

const place = ({ link, index }: Placed, field?: string): RowRef => rowRef('links', index, link.name, field)

/** An XMPP server takes a component once; the second connection would throw the first out, for ever. */
function checkConnections(components: readonly Placed[]): Conflict[] {
  const found: Conflict[] = []
  const seen = new Map<string, Placed>()
  for (const placed of components) {
    const { host, port, domain } = placed.link
    const key = `${host.toLowerCase()} ${port} ${domain}`
    const first = seen.get(key)
    if (first === undefined) {
      seen.set(key, placed)
      continue
    }
    found.push(
      conflict(
        'same-component-twice',
        [place(placed, 'domain'), place(first, 'domain')],
        `links "${placed.link.name}" and "${first.link.name}" are the same component ${domain} of ${host}:${port}`,
        'keep one link, with the remote domains of both',
      ),
    )
  }
  return found
}

/** Nobody names it: nothing goes over it, so that there is nothing that could be wrong. */
const isUnused = ({ name, kind }: Link, { servedDomains, providers }: FederationInput): boolean =>
  !servedDomains.some(({ links }) => links.includes(name)) &&
  // From server to server a provider does not bring the served domain with it.
  (kind === 's2s' || !providers.some((row) => row.protocol === 'xmpp' && row.link === name))

export const warnOfLinks = (input: FederationInput): Warning[] =>
  input.links.flatMap((link, index) =>
    isUnused(link, input)
      ? [
          warning(
            'link-unused',
            [rowRef('links', index, link.name)],
            `no served domain${link.kind === 's2s' ? '' : ' and no provider'} names link "${link.name}": nothing goes over it`,
            'add it to the links of a served domain',
          ),
        ]
      : [],
  )

function checkAddressing(components: readonly Placed[], input: FederationInput): Conflict[] {
  const found: Conflict[] = []
  for (const placed of components) {
    const { name, addressing, domain } = placed.link
    if (addressing.kind === 'escaped' || isUnused(placed.link, input)) continue
    const needed = addressing.kind === 'straight' ? domain : addressing.sip
    const carries = input.servedDomains.some((row) => row.name === needed && row.links.includes(name))
    if (!carries) {
      found.push(
        conflict(
          'addressing-without-domain',
          [place(placed, addressing.kind === 'straight' ? 'domain' : 'addressing')],
          `link "${name}" writes addresses of ${needed}, but there is no served domain ${needed} with the link in its links`,
          addressing.kind === 'straight'
            ? `serve ${needed} over this link, or choose "addressing: escaped", or a pair { sip: …, xmpp: ${domain} }`
            : `serve ${needed} over this link, or correct the pair`,
        ),
      )
    }
    if (addressing.kind === 'pair' && addressing.xmpp !== domain) {
      found.push(
        conflict(
          'addressing-without-domain',
          [place(placed, 'addressing')],
          `link "${name}" is the component ${domain}, but its pair writes addresses of ${addressing.xmpp}`,
          `write { sip: ${addressing.sip}, xmpp: ${domain} }, or make ${addressing.xmpp} the link's domain`,
        ),
      )
    }
  }
  return found
}

/** For one served domain, a remote domain comes over one link. */
function checkBindings(components: readonly Placed[], input: FederationInput): Conflict[] {
  const found = new Map<string, Conflict>()
  for (const served of input.servedDomains) {
    const carrying = components.filter(({ link }) => served.links.includes(link.name))
    const index = new PatternIndex<Placed>()
    let any: Placed | undefined
    for (const placed of carrying) {
      const { remote } = placed.link
      if (remote === 'any') {
        if (any !== undefined) {
          const pair = `${any.link.name} ${placed.link.name}`
          found.set(pair, twice(placed, any, undefined, 'any domain', served.name))
        }
        any ??= placed
      } else for (const pattern of remote) index.add(pattern, placed)
    }
    for (const placed of carrying) {
      if (placed.link.remote === 'any') continue
      placed.link.remote.forEach((pattern, at) => {
        const first = index.covering(pattern)
        const other = first?.index === placed.index ? index.above(pattern) : first
        if (other === undefined || other.index === placed.index) return
        const key = `${placed.index} ${at}`
        found.set(key, twice(placed, other, `remote[${at}]`, textOfPattern(pattern), served.name))
      })
    }
  }
  return [...found.values()]
}

const twice = (a: Placed, b: Placed, field: string | undefined, what: string, served: string): Conflict =>
  conflict(
    'two-links-for-domain',
    [place(a, field ?? 'remote'), place(b, 'remote')],
    `links "${a.link.name}" and "${b.link.name}" both carry ${what} for the served domain ${served}`,
    'a remote domain has one link: take it from the remote list of one, or take one link from the served domain',
  )

/** Undefined: any domain. */
function behindOf(placed: Placed): PatternIndex<Placed> | undefined {
  const { remote } = placed.link
  if (remote === 'any') return undefined
  const behind = new PatternIndex<Placed>()
  for (const pattern of remote) behind.add(pattern, placed)
  return behind
}

/** A provider whose domain the link cannot prove would be refused at every request. */
function checkProviders(components: readonly Placed[], input: FederationInput): Conflict[] {
  const found: Conflict[] = []
  const links = new Map(components.map((placed) => [placed.link.name, { placed, behind: behindOf(placed) }]))
  input.providers.forEach((provider, index) => {
    if (provider.protocol !== 'xmpp' || provider.link === undefined) return
    const link = links.get(provider.link)
    if (link?.behind === undefined) return
    const { placed, behind } = link
    provider.domains.forEach((pattern, at) => {
      if (behind.covering(pattern) !== undefined) return
      const text = textOfPattern(pattern)
      found.push(
        conflict(
          'domain-not-behind-link',
          [rowRef('providers', index, provider.name, `domains[${at}]`), place(placed, 'remote')],
          `provider "${provider.name}" owns ${text}, but link "${provider.link}", which carries it, does not have ${text} in its remote list`,
          `add ${text} to the remote list of the link, or name the link that carries it`,
        ),
      )
    })
  })
  return found
}
