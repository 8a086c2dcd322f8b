import { z } from 'zod'
import { domain, domainPattern, host, name, port, secret } from './scalars.ts'

/** What one kind of link needs and the other does not have. */
const component = z.strictObject({
  host: host('host of the XMPP server'),
  port: port('its component port'),
  domain: domain("the component's name at the XMPP server"),
  secret: secret('the shared secret of the component'),
  remote: z
    .union([z.literal('any'), z.array(domainPattern('a domain, or *.domain')).min(1)], {
      error: 'must be a list of domains, or any',
    })
    .describe('the domains behind it: [xmpp.example, "*.xmpp.example"], or any'),
  vouches: z.enum(['verified', 'unverified']).describe('verified: its users count as verified'),
  addressing: z
    .union(
      [
        z.enum(['straight', 'escaped']),
        z.strictObject({ sip: domain('the served domain'), xmpp: domain('how the XMPP side writes it') }),
      ],
      { error: 'must be straight, escaped, or a pair of domains' },
    )
    .describe('straight, escaped, or { sip: corp.example, xmpp: sip.corp.example }'),
})

type Component = z.output<typeof component>

const NEEDED = ['host', 'domain', 'secret', 'remote'] as const satisfies readonly (keyof Component)[]
const DEFAULTS = { port: 5347, vouches: 'unverified', addressing: 'straight' } as const

export type LinkRow =
  | ({ readonly kind: 'component'; readonly name: string } & Component)
  | { readonly kind: 's2s'; readonly name: string }

/** A row of `federation.links`. */
export const link = z
  .strictObject({
    name: name('unique'),
    kind: z
      .enum(['component', 's2s'])
      .describe('component (XEP-0114), or s2s: from server to server (RFC 6120)'),
    ...component.partial().shape,
  })
  .transform((row, context): LinkRow => {
    const { name, kind, ...rest } = row
    const wrong = (key: string, message: string, cure: string): void =>
      context.addIssue({ code: 'custom', path: [key], message, params: { cure } })
    if (kind === 's2s') {
      for (const key of Object.keys(rest))
        wrong(key, 'does not belong to a link of kind s2s', 'remove the key, or write kind: component')
      return { name, kind }
    }
    for (const key of NEEDED) if (rest[key] === undefined) wrong(key, 'is missing', 'add it')
    return { name, kind, ...DEFAULTS, ...rest } as LinkRow
  })
