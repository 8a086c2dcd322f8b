import { isIP } from 'node:net'
import type { Fault, Form, RowForms, Written } from '../admin/forms.ts'
import type { Json, SecretReference, StoredList, StoredRows } from '../admin/store.ts'
import { textOfAddress } from '../federation/address.ts'
import { textOfPattern } from '../federation/domain-pattern.ts'
import type { Link, Provider, User } from '../federation/model.ts'
import { textOfMatch } from '../federation/owners.ts'
import type { Settings } from '../federation/settings.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { parseUri } from '../sip/uri-parse.ts'
import { findingsOf } from './explain-issue.ts'
import { homeFindings, providerFindings, type RowFinding, rowsOf } from './federation-rows.ts'
import { textOfPath } from './problem.ts'
import { fileSchema } from './schema.ts'

const schema = fileSchema.pick({ federation: true })

/** Rows as the section `federation:` of the file has them: one form for the file, the commands and what they exchange. */
export const rowForms: RowForms = {
  read,
  write: (list, row, secret) => tidy(WRITERS[list](row as never, secret)),
  writeContacts: ({ user, allow, block }) =>
    tidy({
      user: textOfAddress(user),
      allow: allow.map(({ match }) => textOfMatch(match)),
      block: block.map(({ match }) => textOfMatch(match)),
    }),
  writeSettings,
}

function read(section: unknown): Result<Written, readonly Fault[]> {
  const value = { federation: section }
  const parsed = schema.safeParse(value, { reportInput: false })
  if (!parsed.success) {
    return err(parsed.error.issues.flatMap((issue) => findingsOf(issue, value)).map(faultOf))
  }
  const { federation } = parsed.data
  const findings = [...homeFindings(federation), ...providerFindings(federation)]
  if (findings.length > 0) return err(findings.map(faultOf))
  return ok({
    rows: rowsOf(federation, section),
    secrets: new Map(
      federation.links.flatMap((link) => (link.kind === 'component' ? [[link.name, link.secret]] : [])),
    ),
  })
}

const faultOf = ({ path, message, cure }: RowFinding): Fault => ({
  path: textOfPath(path.slice(1)),
  message,
  cure,
})

type Writer<L extends StoredList> = (row: StoredRows[L], secret: SecretReference | undefined) => Loose

/** A form before what is undefined is taken out. */
interface Loose {
  readonly [key: string]: Json | undefined
}

const WRITERS: { readonly [L in StoredList]: Writer<L> } = {
  homes: ({ name, nextHop, addresses, certificate, enforce, congestionSafePath, credentials }) => ({
    name,
    nextHop: nextHop.kind === 'uri' ? nextHop.uri : nextHop.kind,
    // Where they are the default they are not written, so that they follow when the next hop is changed.
    addresses: nextHop.kind === 'uri' && isDefault(addresses, nextHop.uri) ? undefined : addresses,
    certificate,
    enforce,
    congestionSafePath,
    credentials: credentials && { ...credentials },
  }),
  servedDomains: ({ name, home, users, links }) => ({ name, home, users, links }),
  links: writeLink,
  providers: writeProvider,
  policies: ({ name, flags, description }) => ({ name, ...flags, description }),
  allowedDomains: ({ name, verification, comment }) => ({ name, verification, comment }),
  blockedDomains: ({ name, comment }) => ({ name, comment }),
  users: ({ address, enabled, home, site, policy, privacy }: User) => ({
    user: textOfAddress(address),
    enabled,
    home,
    site,
    policy,
    ...privacy,
  }),
}

function isDefault(addresses: readonly string[], nextHop: string): boolean {
  const uri = parseUri(nextHop)
  if (!uri.ok || uri.value.scheme !== 'sip') return false
  const host = uri.value.host.replace(/^\[|\]$/g, '')
  return isIP(host) === 0 ? addresses.length === 0 : addresses.length === 1 && addresses[0] === host
}

function writeLink(row: Link, secret: SecretReference | undefined): Loose {
  if (row.kind === 's2s') return { name: row.name, kind: row.kind }
  const { name, kind, host, port, domain, remote, vouches, addressing } = row
  return {
    name,
    kind,
    host,
    port,
    domain,
    secret: secret as Json | undefined,
    remote: remote === 'any' ? remote : remote.map(textOfPattern),
    vouches,
    addressing: addressing.kind === 'pair' ? { sip: addressing.sip, xmpp: addressing.xmpp } : addressing.kind,
  }
}

function writeProvider(row: Provider): Loose {
  const { name, type, protocol, enabled, verification, domains, congestionSafePath, limits } = row
  return {
    name,
    type,
    protocol,
    enabled,
    verification,
    domains: domains.map(textOfPattern),
    ...(row.protocol === 'xmpp'
      ? {
          link: row.link,
          server: row.server && { ...row.server },
          negotiation: {
            tls: row.negotiation.tls,
            sasl: row.negotiation.sasl,
            dialback: row.negotiation.dialback,
            dialbackOverTls: row.negotiation.dialbackOverTls,
            keepAlive: textOfDuration(row.negotiation.keepAlive),
          },
        }
      : { accessEdges: row.accessEdges, assertingHeader: row.assertingHeader }),
    congestionSafePath,
    limits: tidy({ ...limits }),
    icon: row.icon,
    description: row.description,
  }
}

const DURATIONS: readonly (keyof Settings)[] = ['learning.lifetime']

function writeSettings(settings: Partial<Settings>): Form {
  const form: Record<string, Json> = {}
  for (const [key, value] of Object.entries(settings)) {
    const path = key.split('.')
    const last = path.pop() ?? key
    let section = form
    for (const part of path) {
      section[part] ??= {}
      section = section[part] as Record<string, Json>
    }
    section[last] = (DURATIONS as readonly string[]).includes(key) ? textOfDuration(value as number) : value
  }
  return form
}

const UNITS = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const

/** In the largest unit that leaves no rest. */
export function textOfDuration(ms: number): string {
  const [unit, size] = UNITS.find(([, length]) => ms % length === 0 && ms > 0) ?? ['ms', 1]
  return `${ms / size}${unit}`
}

/** Without what is undefined, and without sections that are empty. */
function tidy(form: Loose): Form {
  return Object.fromEntries(
    Object.entries(form).filter(
      ([, value]) =>
        value !== undefined &&
        !(
          typeof value === 'object' &&
          value !== null &&
          !Array.isArray(value) &&
          Object.keys(value).length === 0
        ),
    ),
  )
}
