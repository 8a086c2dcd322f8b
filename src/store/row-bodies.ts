import { z } from 'zod'
import { type Json, type SecretReference, type StoredRows, StoreFault } from '../admin/store.ts'
import { SETTING_KEYS, type SettingKey, type Settings } from '../federation/settings.ts'
import { parseDomain } from '../kernel/domain.ts'
import { problem } from './problems.ts'

/**
 * Rows as JSON and back. JSON has no `undefined`: it is written as null. What is read is checked, since the file can be
 * edited by other programs. Fields that a later version brings are put into old rows by its migration.
 */

/** The lists whose rows are JSON in the table `rows`. */
export type BodyList = Exclude<keyof StoredRows, 'users'>

const maybe = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined)

const domain = z.string().transform((text, context) => {
  const parsed = parseDomain(text)
  if (parsed.ok) return parsed.value
  context.addIssue(`not a domain (${parsed.error})`)
  return z.NEVER
})
/** Not in the JSON: the marks have a table of their own. */
const suspended = z.literal(false).default(false)
const pattern = z.object({ domain, below: z.boolean() })
const level = z.enum(['verified', 'contacts', 'all'])
const mark = z.enum(['verified', 'unverified'])
const requirement = z.enum(['required', 'optional', 'unsupported'])
const limits = z.object({
  messagesPerSecond: maybe(z.number()),
  contacts: maybe(z.number()),
  connections: maybe(z.number()),
})

const reference = z.union([z.object({ env: z.string() }), z.object({ file: z.string() })])

const home = z.object({
  name: z.string(),
  nextHop: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('uri'), uri: z.string() }),
    z.object({ kind: z.literal('embedded') }),
  ]),
  addresses: z.array(z.string()),
  certificate: maybe(domain),
  enforce: z.enum(['edge', 'home']),
  congestionSafePath: z.boolean(),
  credentials: maybe(z.object({ realm: z.string(), username: z.string(), password: reference })),
  suspended,
})

const servedDomain = z.object({
  name: domain,
  home: z.string(),
  users: z.enum(['any', 'listed']),
  links: z.array(z.string()),
  suspended,
})

const link = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('component'),
    name: z.string(),
    host: z.string(),
    port: z.number(),
    domain,
    remote: z.union([z.literal('any'), z.array(pattern)]),
    vouches: mark,
    addressing: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('straight') }),
      z.object({ kind: z.literal('escaped') }),
      z.object({ kind: z.literal('pair'), sip: domain, xmpp: domain }),
    ]),
    suspended,
  }),
  z.object({ kind: z.literal('s2s'), name: z.string(), suspended }),
])

const common = {
  name: z.string(),
  type: z.enum(['public', 'hosted', 'partner']),
  enabled: z.boolean(),
  verification: level,
  domains: z.array(pattern),
  icon: maybe(z.string()),
  description: maybe(z.string()),
  congestionSafePath: z.boolean(),
  limits,
  suspended,
}

const provider = z.discriminatedUnion('protocol', [
  z.object({
    ...common,
    protocol: z.literal('sip'),
    accessEdges: z.array(domain),
    assertingHeader: maybe(z.string()),
  }),
  z.object({
    ...common,
    protocol: z.literal('xmpp'),
    link: maybe(z.string()),
    server: maybe(z.object({ host: z.string(), port: z.number(), tls: z.enum(['starttls', 'direct']) })),
    negotiation: z.object({
      tls: requirement,
      sasl: requirement,
      dialback: z.boolean(),
      dialbackOverTls: mark,
      keepAlive: z.number(),
      connections: z.number(),
    }),
  }),
])

const BODIES = {
  homes: home,
  servedDomains: servedDomain,
  links: link,
  providers: provider,
  allowedDomains: z.object({ name: domain, verification: level, comment: z.string(), suspended }),
  blockedDomains: z.object({ name: domain, comment: z.string() }),
  policies: z.object({
    name: z.string(),
    flags: z.object({ federation: z.boolean(), publicIm: z.boolean(), xmpp: z.boolean() }),
    description: maybe(z.string()),
    suspended,
  }),
} as const satisfies { readonly [L in BodyList]: z.ZodType<StoredRows[L]> }

const secret = maybe(reference)
const linkSecret = z.object({ secret })

const SETTINGS = {
  enabled: z.boolean(),
  sip: z.boolean(),
  publicIm: z.boolean(),
  xmpp: z.boolean(),
  'openDiscovery.enabled': z.boolean(),
  'openDiscovery.verification': level,
  'openDiscovery.limits.messagesPerSecond': z.number(),
  'openDiscovery.limits.contacts': z.number(),
  'openDiscovery.limits.connections': z.number(),
  'learning.enabled': z.boolean(),
  'learning.lifetime': z.number(),
  'learning.perUser': z.number(),
} as const satisfies { readonly [K in SettingKey]: z.ZodType<Settings[K]> }

export const BODY_LISTS = Object.keys(BODIES) as readonly BodyList[]

/** Plain JSON of a row, without the mark `suspended`: that has a table of its own. */
export function jsonOf(row: object, secretOf?: SecretReference): { readonly [key: string]: Json } {
  const { suspended: _, ...rest } = row as { suspended?: boolean }
  const whole = secretOf === undefined ? rest : { ...rest, secret: secretOf }
  return JSON.parse(JSON.stringify(whole, (_key, value: unknown) => (value === undefined ? null : value)))
}

/** @throws StoreFault naming the row and the field, where the text is not such a row */
export function readBody<L extends BodyList>(list: L, name: string, body: string): StoredRows[L] {
  const parsed = BODIES[list].safeParse(parse(list, name, body))
  if (!parsed.success) throw unreadable(`${list} "${name}"`, parsed.error)
  return parsed.data as StoredRows[L]
}

export function readSecret(name: string, body: string): SecretReference | undefined {
  const value = parse('links', name, body)
  if (typeof value !== 'object' || value === null || !('secret' in value)) return undefined
  const parsed = linkSecret.safeParse(value)
  if (!parsed.success) throw unreadable(`links "${name}"`, parsed.error)
  return parsed.data.secret
}

export function readSettings(
  rows: readonly { readonly key: string; readonly value: string }[],
): Partial<Settings> {
  const settings: Record<string, unknown> = {}
  for (const { key, value } of rows) {
    if (!isSettingKey(key)) throw unreadable('settings', `there is no setting "${key}"`)
    const parsed = SETTINGS[key].safeParse(parse('settings', key, value))
    if (!parsed.success) throw unreadable(`settings "${key}"`, parsed.error)
    settings[key] = parsed.data
  }
  return settings as Partial<Settings>
}

const isSettingKey = (key: string): key is SettingKey => (SETTING_KEYS as readonly string[]).includes(key)

function parse(list: string, name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw unreadable(`${list} "${name}"`, 'not JSON', cause)
  }
}

export function unreadable(what: string, why: z.ZodError | string, cause?: unknown): StoreFault {
  const text = typeof why === 'string' ? why : wordsOf(why)
  return new StoreFault(
    problem(
      'damaged',
      `the row ${what} in the store cannot be read: ${text}`,
      'correct or delete the row in the database, or restore a backup',
    ),
    cause ?? why,
  )
}

function wordsOf(error: z.ZodError): string {
  const issue = error.issues[0]
  return issue === undefined ? error.message : [...issue.path.map(String), issue.message].join(': ')
}
