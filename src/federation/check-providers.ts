import { type Conflict, conflict, rowRef, type Warning, warning } from './conflicts.ts'
import type { XmppProvider } from './model.ts'
import { negotiationCheck } from './negotiation.ts'
import type { FederationInput } from './snapshot.ts'

/** Each provider for itself: a way to prove its domains, and a link to reach it by. */
export function checkProviders(input: FederationInput): Conflict[] {
  const found: Conflict[] = []
  const components = new Set(input.links.filter(({ kind }) => kind === 'component').map(({ name }) => name))
  input.providers.forEach((row, index) => {
    if (row.protocol !== 'xmpp') return
    const { invalid } = negotiationCheck(row.negotiation)
    if (invalid !== undefined) {
      found.push(
        conflict(
          'negotiation-impossible',
          [rowRef('providers', index, row.name, 'negotiation')],
          `provider "${row.name}": ${invalid}`,
          'turn dialback on, or let TLS and SASL be required or optional',
        ),
      )
    }
    if (row.enabled && row.link === undefined) {
      found.push(
        conflict(
          'provider-without-link',
          [rowRef('providers', index, row.name, 'link')],
          `provider "${row.name}" is enabled, but no link carries it`,
          'name the link that carries it, or disable the provider',
        ),
      )
    }
    found.push(...checkServer(row, index, components))
  })
  return found
}

/** A fixed host that nothing would ever go to. */
function checkServer(
  { name, link, server, negotiation }: XmppProvider,
  index: number,
  components: ReadonlySet<string>,
): Conflict[] {
  const at = [rowRef('providers', index, name, 'server')]
  if (server === undefined) return []
  if (link !== undefined && components.has(link))
    return [
      conflict(
        'server-without-s2s',
        at,
        `provider "${name}" has a server of its own, but link "${link}", which carries it, is a component`,
        'take the server away, or name a link of kind s2s',
      ),
    ]
  return server.tls === 'direct' && negotiation.tls === 'unsupported'
    ? [
        conflict(
          'negotiation-impossible',
          at,
          `provider "${name}": its server is reached over direct TLS, and TLS is unsupported`,
          'let the server begin with starttls, or TLS be required or optional',
        ),
      ]
    : []
}

export function warnOfProviders(input: FederationInput): Warning[] {
  return input.providers.flatMap((row, index) =>
    row.protocol !== 'xmpp'
      ? []
      : negotiationCheck(row.negotiation).warnings.map((text) =>
          warning(
            'negotiation-weak',
            [rowRef('providers', index, row.name, 'negotiation')],
            `provider "${row.name}": ${text}`,
            'require TLS and let SASL be optional, unless the peer can do no better',
          ),
        ),
  )
}
