import { isIP, isIPv6, SocketAddress } from 'node:net'
import { z } from 'zod'
import { parseAddress } from '../federation/address.ts'
import { parseDomainPattern } from '../federation/domain-pattern.ts'
import type { ContactMatch } from '../federation/model.ts'
import { parseDomain } from '../kernel/domain.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { parseUri } from '../sip/uri-parse.ts'

interface Wrong {
  readonly message: string
  readonly cure: string
}

/** A value written as text, read by `read`. The description is also the cure where something else stands. */
const written = <T>(description: string, read: (text: string) => Result<T, Wrong>) =>
  z
    .string()
    .transform((text, context): T => {
      const result = read(text)
      if (result.ok) return result.value
      const { message, cure } = result.error
      context.addIssue({ code: 'custom', message, params: { cure } })
      return z.NEVER
    })
    .describe(description)

const DURATION = /^(\d{1,10})(ms|s|m|h)$/
const MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const
/** What a timer can hold. */
const LONGEST = 2 ** 31 - 1

/**
 * Milliseconds.
 * @param most what no timer waits for may be longer than a timer can hold
 */
export const duration = (what: string, least = 1, most = LONGEST) =>
  written(`${what}; a duration: 500ms, 30s, 10m, 2h`, (text) => {
    const match = DURATION.exec(text)
    if (match === null) {
      return err({ message: `"${text}" is not a duration`, cure: 'write 500ms, 30s, 10m or 2h' })
    }
    const ms = Number(match[1]) * MS[match[2] as keyof typeof MS]
    if (ms < least) return err({ message: `${text} is too short`, cure: `write at least ${least}ms` })
    if (ms > most) {
      return err({ message: `${text} is too long`, cure: `write at most ${Math.floor(most / MS.h)}h` })
    }
    return ok(ms)
  })

const SIZE = /^(\d{1,12})(KiB|MiB)?$/
const BYTES = { KiB: 1024, MiB: 1024 * 1024 } as const
const LARGEST = 1024 * BYTES.MiB

/** Bytes. */
export const size = (what: string, least = 1) => {
  const description = `${what}; a size: 512, 64KiB, 1MiB`
  return z
    .union([z.string(), z.number()], { error: 'must be a size' })
    .transform((value, context): number => {
      const match = SIZE.exec(String(value))
      const unit = match?.[2] as keyof typeof BYTES | undefined
      const bytes = match === null ? Number.NaN : Number(match[1]) * (unit === undefined ? 1 : BYTES[unit])
      if (bytes >= least && bytes <= LARGEST) return bytes
      context.addIssue(
        Number.isNaN(bytes)
          ? {
              code: 'custom',
              message: `"${value}" is not a size`,
              params: { cure: 'write 512, 64KiB or 1MiB' },
            }
          : {
              code: 'custom',
              message: `${value} is too ${bytes < least ? 'small' : 'large'}`,
              params: { cure: `write a size from ${least} to 1024MiB` },
            },
      )
      return z.NEVER
    })
    .describe(description)
}

export const count = (what: string, least = 1, most = 100_000_000) =>
  z.int().min(least).max(most).describe(what)

export const flag = (what: string) => z.boolean().describe(what)

export const name = (what: string) => z.string().trim().min(1).max(256).describe(what)

const DOMAIN_CURE = 'write a domain name such as example.com'

export const domain = (what: string) =>
  written(what, (text) => {
    const parsed = parseDomain(text)
    return parsed.ok ? parsed : err({ message: `"${text}" is not a domain name`, cure: DOMAIN_CURE })
  })

export const domainPattern = (what: string) =>
  written(what, (text) => {
    const parsed = parseDomainPattern(text)
    return parsed.ok
      ? parsed
      : err({ message: `"${text}" is not a domain name`, cure: `${DOMAIN_CURE}, or *.example.com` })
  })

export const path = (what: string) => z.string().min(1).max(1024).describe(what)

export const port = (what: string) => z.int().min(1).max(65_535).describe(what)

export const ipAddress = (what: string) =>
  written(what, (text) =>
    isIP(text) === 0
      ? err({
          message: `"${text}" is not an IP address`,
          cure: 'write 192.0.2.1 or 2001:db8::1, without brackets',
        })
      : ok(canonicalIp(text)),
  )

/** One spelling for one address: `0:0:0:0:0:0:0:1` is `::1`. */
export const canonicalIp = (text: string): string =>
  isIPv6(text) ? new SocketAddress({ address: text, family: 'ipv6' }).address : text

/** An IP address or a host name. */
export const host = (what: string) =>
  written(what, (text) => {
    const plain = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
    if (isIP(plain) !== 0) return ok(plain)
    const parsed = parseDomain(text)
    return parsed.ok
      ? ok<string>(parsed.value)
      : err({
          message: `"${text}" is neither a host name nor an IP address`,
          cure: 'write xmpp.example.com or 192.0.2.1',
        })
  })

/** A home server's next hop: a SIP URI without user, kept as text. */
export const nextHop = (what: string) =>
  written(what, (text) => {
    const cure = 'write sip:HOST:PORT;transport=udp (or tcp, tls), without a user'
    const uri = parseUri(text)
    if (!uri.ok || uri.value.scheme !== 'sip') {
      return err({ message: `"${text}" is not a SIP URI`, cure })
    }
    if (uri.value.user !== undefined) return err({ message: `"${text}" names a user`, cure })
    if (uri.value.headers !== undefined) return err({ message: `"${text}" carries headers`, cure })
    const transport = uri.value.params.find(([key]) => key === 'transport')
    const value = transport?.[1]?.toLowerCase()
    if (transport !== undefined && value !== 'udp' && value !== 'tcp' && value !== 'tls') {
      return err({ message: `"${text}" asks for transport ${value ?? 'nothing'}`, cure })
    }
    return ok({ text, host: uri.value.host, tls: value === 'tls' })
  })

/** A user of a served domain. */
export const userAddress = (what: string) =>
  written(what, (text) => {
    const parsed = parseAddress(text)
    return parsed.ok
      ? parsed
      : err({ message: `"${text}" is not a user's address`, cure: 'write sip:user@domain or user@domain' })
  })

const PROVIDER = 'provider:'

/** Whom a contact entry means. */
export const contact = (what: string) =>
  written<ContactMatch>(what, (text) => {
    if (text === 'everyone') return ok({ kind: 'everyone' })
    if (text.startsWith(PROVIDER)) {
      const provider = text.slice(PROVIDER.length).trim()
      if (provider !== '') return ok({ kind: 'provider', provider })
    } else if (text.startsWith('@')) {
      const parsed = parseDomain(text.slice(1))
      if (parsed.ok) return ok({ kind: 'domain', domain: parsed.value })
    } else {
      const parsed = parseAddress(text)
      if (parsed.ok) return ok({ kind: 'address', address: parsed.value })
    }
    return err({
      message: `"${text}" names no one`,
      cure: 'write user@domain, sip:user@domain, "@domain", provider:NAME or everyone',
    })
  })

/** Where a secret is, never the secret itself. */
export const secret = (what: string) =>
  z
    .union(
      [
        z.strictObject({ env: z.string().min(1).describe('name of an environment variable') }),
        z.strictObject({
          file: z.string().min(1).describe('path of a file, from the configuration file on'),
        }),
      ],
      { error: 'must say where the secret is, not what it is' },
    )
    .describe(`${what}; { env: NAME } or { file: PATH }`)
