import { type Conflict, conflict, rowRef, type Warning, warning } from './conflicts.ts'
import { negotiationCheck } from './negotiation.ts'
import type { FederationInput } from './snapshot.ts'

/** Each provider for itself: a way to prove its domains, and a link to reach it by. */
export function checkProviders(input: FederationInput): Conflict[] {
  const found: Conflict[] = []
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
  })
  return found
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
