import { isIP } from 'node:net'
import { err, ok, type Result } from '../../kernel/result.ts'
import { param } from '../scan.ts'
import type { SipUri } from '../uri.ts'
import { type LocateFailure, notFound, type Transport } from './target.ts'

/** What a URI says of the place where its requests go (RFC 3263 §4). */
export interface Wanted {
  /** Nothing but TLS will do. */
  readonly secure: boolean
  /** The domain whose server must be found, which is what it must prove to be. */
  readonly host: string
  /** TARGET: `maddr` where there is one, else the host. An IP literal has no brackets. */
  readonly target: string
  readonly port: number | undefined
  /** Where it is said explicitly. */
  readonly transport: Transport | undefined
}

/** A URI whose transport parameter contradicts its scheme, or names what we do not speak, leads nowhere. */
export function wantedOf(uri: SipUri): Result<Wanted, LocateFailure> {
  const secure = uri.scheme === 'sips'
  const written = param(uri.params, 'transport')?.toLowerCase()
  const transport = written === undefined ? undefined : transportOf(written, secure)
  if (written !== undefined && transport === undefined)
    return err(notFound(`transport ${written} with ${uri.scheme}`))
  const host = bare(uri.host)
  return ok({ secure, host, target: bare(param(uri.params, 'maddr') ?? host), port: uri.port, transport })
}

/** `sips` means TLS whatever it runs over, and it does not run over UDP (RFC 3261 §26.2.2). */
function transportOf(written: string, secure: boolean): Transport | undefined {
  switch (written) {
    case 'tls':
      return 'tls'
    case 'tcp':
      return secure ? 'tls' : 'tcp'
    case 'udp':
      return secure ? undefined : 'udp'
    default:
      return undefined
  }
}

/** Lower case, an IPv6 reference without its brackets, a name without its final dot. */
function bare(host: string): string {
  const lower = host.toLowerCase()
  if (lower.startsWith('[')) return lower.slice(1, -1)
  return lower.endsWith('.') && isIP(lower) === 0 ? lower.slice(0, -1) : lower
}

/** A configured place: a name or an IP literal, in brackets or not. With a transport it is fixed to that one. */
export const wantedHost = (
  host: string,
  port: number | undefined,
  transport: Transport | undefined,
): Wanted => ({ secure: transport === 'tls', host: bare(host), target: bare(host), port, transport })
