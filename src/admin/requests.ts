import { z } from 'zod'
import { REQUEST_KINDS } from '../federation/request.ts'
import { SUSPENDABLE } from '../federation/sources.ts'
import { DOMAIN_KINDS, OBJECT_NAMES } from './objects.ts'
import type { AuditedKind, Json } from './store.ts'

/** What may be asked of administration: strict, every size bounded. The same values travel over the socket. */

const name = z.string().min(1).max(1100)
const text = z.string().max(1024)
const object = z.enum(OBJECT_NAMES)
const kind = z.enum(DOMAIN_KINDS)
const side = z.enum(['allow', 'block'])
const limit = z.int().min(1).max(1000)
const wall = z.int().min(0).max(8.64e15)

/** Depth and size are bounded by the transport and by the forms that read it. */
const json: z.ZodType<Json> = z.json()
const form = z.record(z.string().max(64), json)
const members = z.record(z.string().max(64), z.array(z.string().max(1100)).max(10_000))

export const listRequest = z.strictObject({
  object,
  kind: kind.optional(),
  owner: z.enum(['file', 'store', 'shipped']).optional(),
  containing: text.optional(),
  enabled: z.boolean().optional(),
  suspended: z.boolean().optional(),
  /** Of users. */
  domain: name.optional(),
  home: name.optional(),
  site: name.optional(),
  policy: name.optional(),
  limit: limit.default(1000),
  after: name.optional(),
})

export const showRequest = z.strictObject({
  object,
  name,
  kind: kind.optional(),
  /** Of a link from server to server: only streams with this domain, or with this address while that is unknown. */
  peer: name.optional(),
})

const target = { object, name, kind: kind.optional() }

/** `federation` stands for the federation as a whole. */
const stoppable = z.enum([...OBJECT_NAMES, 'federation'])

const changeSpec = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('add'), ...target, fields: form }),
  z.strictObject({
    do: z.literal('set'),
    ...target,
    /** A section is merged key by key; null takes a key away; a list is replaced. */
    fields: form,
    /** Members that a list gains. */
    add: members.optional(),
    /** Members that a list loses. */
    drop: members.optional(),
  }),
  z.strictObject({ do: z.literal('enable'), ...target }),
  z.strictObject({ do: z.literal('disable'), ...target }),
  z.strictObject({
    do: z.literal('suspend'),
    object: stoppable,
    name,
    kind: kind.optional(),
    reason: text.default(''),
  }),
  z.strictObject({ do: z.literal('resume'), object: stoppable, name, kind: kind.optional() }),
  z.strictObject({ do: z.literal('remove'), ...target }),
  z.strictObject({ do: z.literal('restore'), name }),
  z.strictObject({ do: z.literal('grant'), policy: name, users: z.array(name).min(1).max(1000) }),
  z.strictObject({ do: z.literal('revoke'), policy: name, users: z.array(name).min(1).max(1000) }),
  z.strictObject({
    do: z.literal('add-contacts'),
    user: name,
    side,
    who: z.array(name).min(1).max(1000),
  }),
  z.strictObject({
    do: z.literal('remove-contacts'),
    user: name,
    side,
    who: z.array(name).min(1).max(1000),
  }),
  z.strictObject({ do: z.literal('clear-contacts'), user: name, learned: z.boolean().default(false) }),
  z.strictObject({ do: z.literal('set-setting'), key: name, value: json }),
  z.strictObject({ do: z.literal('unset-setting'), key: name }),
])

const actor = z.string().min(1).max(256)

export const changeRequest = z.strictObject({
  /** Who says to be asking. */
  as: actor,
  change: changeSpec,
  idempotent: z.boolean().default(false),
  dryRun: z.boolean().default(false),
})

export const applyRequest = z.strictObject({
  as: actor,
  /** As the section `federation:` of the configuration file, which the forms read; it may be large. */
  section: z.record(z.string().max(64), z.unknown()),
  /** Take away what the section does not name. */
  prune: z.boolean().default(false),
  dryRun: z.boolean().default(false),
})

export const contactsRequest = z.strictObject({ user: name })

export const explainRequest = z.strictObject({ from: name, to: name, kind: z.enum(REQUEST_KINDS) })

const AUDITED = [
  ...SUSPENDABLE,
  'blockedDomains',
  'contacts',
  'settings',
] as const satisfies readonly AuditedKind[]

export const auditRequest = z.strictObject({
  limit: limit.default(100),
  before: z.int().min(0).optional(),
  kind: z.enum(AUDITED).optional(),
  name: name.optional(),
  actor: actor.optional(),
  since: wall.optional(),
  until: wall.optional(),
})

export const nothing = z.strictObject({})

/** Every operation with its request: the routes of the API are made from it. */
export const REQUESTS = {
  status: nothing,
  list: listRequest,
  show: showRequest,
  contacts: contactsRequest,
  settings: nothing,
  change: changeRequest,
  apply: applyRequest,
  export: nothing,
  explain: explainRequest,
  audit: auditRequest,
} as const

export type Operation = keyof typeof REQUESTS
/** A request as it is sent, where defaults may be left out. */
export type RequestOf<O extends Operation> = z.input<(typeof REQUESTS)[O]>
/** A request that was checked. */
export type CheckedRequest<O extends Operation> = z.output<(typeof REQUESTS)[O]>
export type ChangeSpec = CheckedRequest<'change'>['change']
export type SpecOf<D extends ChangeSpec['do']> = Extract<ChangeSpec, { do: D }>
