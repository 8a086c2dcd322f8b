import { isIP } from 'node:net'
import type { ContactEntry, ContactMatch, Home, Link, Provider } from '../federation/model.ts'
import { DEFAULT_NEGOTIATION } from '../federation/negotiation.ts'
import { UNLIMITED } from '../federation/settings.ts'
import type { SourceRows } from '../federation/sources.ts'
import { settingsOf } from './federation-settings.ts'
import type { Path } from './problem.ts'
import { canonicalIp } from './scalars.ts'
import type { FileValues } from './schema.ts'
import { tlsHomeFinding } from './tls.ts'

type Values = FileValues['federation']

/**
 * The rows of the section `federation:`, in the order of the file, so that an index names a row in both.
 * @param written the section as it stands in the file, which tells a setting from a default
 */
export function rowsOf(values: Values, written: unknown): SourceRows {
  return {
    settings: settingsOf(values, written),
    homes: values.homes.map(homeOf),
    servedDomains: values.servedDomains.map((row) => ({ ...row, suspended: false })),
    links: values.links.map(linkOf),
    providers: values.providers.map(providerOf),
    allowedDomains: values.allowedDomains.map((row) => ({ ...row, suspended: false })),
    blockedDomains: values.blockedDomains,
    policies: values.policies.map(({ name, description, ...flags }) => ({
      name,
      flags,
      description,
      suspended: false,
    })),
    users: values.users.map(({ user, enabled, home, site, policy, contactsOnly, hideNotes }) => ({
      address: user,
      enabled,
      home,
      site,
      policy,
      privacy: { contactsOnly, hideNotes },
      suspended: false,
    })),
    contacts: values.contacts.map(({ user, allow, block }) => ({
      user,
      allow: allow.map(entryOf),
      block: block.map(entryOf),
    })),
  }
}

const entryOf = (match: ContactMatch): ContactEntry => ({ match, by: 'admin', expires: undefined })

function homeOf(row: Values['homes'][number]): Home {
  const own = row.nextHop.host.replace(/^\[|\]$/g, '')
  return {
    name: row.name,
    nextHop: { kind: 'uri', uri: row.nextHop.text },
    addresses: row.addresses ?? (isIP(own) === 0 ? [] : [canonicalIp(own)]),
    certificate: row.certificate,
    enforce: row.enforce,
    congestionSafePath: row.congestionSafePath,
    credentials: row.credentials,
    suspended: false,
  }
}

function linkOf(row: Values['links'][number]): Link {
  if (row.kind === 's2s') return { ...row, suspended: false }
  const { secret: _, addressing, ...rest } = row
  return {
    ...rest,
    addressing: typeof addressing === 'string' ? { kind: addressing } : { kind: 'pair', ...addressing },
    suspended: false,
  }
}

/** After `providerFindings`: what the protocol needs is there. */
function providerOf(row: Values['providers'][number]): Provider {
  const { name, type, enabled, verification, domains, congestionSafePath, limits, icon, description } = row
  const common = {
    name,
    type,
    enabled,
    verification,
    domains,
    congestionSafePath,
    icon,
    description,
    suspended: false,
    limits: { ...UNLIMITED, ...limits },
  }
  return row.protocol === 'xmpp'
    ? {
        ...common,
        protocol: 'xmpp',
        link: row.link,
        server: row.server,
        negotiation: {
          ...(row.negotiation ?? DEFAULT_NEGOTIATION),
          connections: limits.connections ?? DEFAULT_NEGOTIATION.connections,
        },
      }
    : {
        ...common,
        protocol: 'sip',
        accessEdges: row.accessEdges ?? [],
        assertingHeader: row.assertingHeader?.toLowerCase(),
      }
}

export interface RowFinding {
  readonly path: Path
  readonly message: string
  readonly cure: string
}

/** A home server that could not send. */
export function homeFindings(values: Values): RowFinding[] {
  return values.homes.flatMap((row, index) => {
    const found: RowFinding[] = []
    const at = (key: string): Path => ['federation', 'homes', index, key]
    if (homeOf(row).addresses.length === 0) {
      found.push({
        path: at('addresses'),
        message: 'is empty: nothing says from where this server speaks',
        cure: 'list its IP addresses: addresses: [192.0.2.1]',
      })
    }
    found.push(...tlsHomeFinding(row, at('certificate')))
    return found
  })
}

/** Keys that one protocol needs and the other does not have. */
export function providerFindings(values: Values): RowFinding[] {
  return values.providers.flatMap((row, index) => {
    const found: RowFinding[] = []
    const at = (key: string): Path => ['federation', 'providers', index, key]
    const needs = row.protocol === 'xmpp' ? 'link' : 'accessEdges'
    // Without a link an XMPP provider can be kept, but not enabled.
    if (row[needs] === undefined && (row.protocol === 'sip' || row.enabled)) {
      found.push({
        path: at(needs),
        message: `is missing: a provider of protocol ${row.protocol} needs it`,
        cure:
          needs === 'link'
            ? 'name the link that carries it; by command: provider set NAME --link LINK'
            : 'list the hosts of its access edges, which its certificate names',
      })
    }
    for (const key of row.protocol === 'xmpp'
      ? (['accessEdges', 'assertingHeader'] as const)
      : (['link', 'server', 'negotiation'] as const)) {
      if (row[key] === undefined) continue
      found.push({
        path: at(key),
        message: `does not belong to a provider of protocol ${row.protocol}`,
        cure: 'remove the key, or correct the protocol',
      })
    }
    return found
  })
}
