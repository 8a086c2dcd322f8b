import { type Domain, parseDomain } from '../../kernel/domain.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import type { StreamHeader } from '../xml/reader.ts'
import type { StreamCondition, StreamError } from '../xml/stream-error.ts'
import { isVersioned, SERVER } from './stream-header.ts'

/** Who opens a stream to whom. */
export interface Opened {
  /** Ours. Peers without a version need not say either (RFC 3920 §8.3); their keys do. */
  readonly own: Domain | undefined
  readonly other: Domain | undefined
  readonly versioned: boolean
}

/** As much as is known for our own header, which goes out before the error (RFC 6120 §4.9.1.2). */
export interface BadHeader {
  readonly own: Domain | undefined
  readonly error: StreamError
}

/** The header of a stream that was opened to us (RFC 6120 §4.7, §4.8.1). */
export function readInitial(
  header: StreamHeader,
  serves: (domain: Domain) => boolean,
): Result<Opened, BadHeader> {
  const to = header.to === undefined ? undefined : parseDomain(header.to)
  const own = to?.ok && serves(to.value) ? to.value : undefined
  const bad = (condition: StreamCondition, text: string): Result<Opened, BadHeader> =>
    err({ own, error: { condition, text } })
  if (header.namespace !== SERVER) return bad('invalid-namespace', 'this is for servers')
  const versioned = isVersioned(header.version)
  if (own === undefined && (to !== undefined || versioned))
    return bad('host-unknown', 'this domain is not served here')
  if (header.from === undefined)
    return versioned
      ? bad('improper-addressing', 'the stream header does not say from whom it is')
      : ok({ own, other: undefined, versioned })
  const from = parseDomain(header.from)
  if (!from.ok) return bad('improper-addressing', 'the stream header is from no domain')
  if (serves(from.value)) return bad('invalid-from', 'that domain is served here')
  return ok({ own, other: from.value, versioned })
}
