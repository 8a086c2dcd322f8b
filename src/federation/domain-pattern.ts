import { type Domain, parseDomain } from '../kernel/domain.ts'
import { ok, type Result } from '../kernel/result.ts'

/** `example.com` (that name alone) or `*.example.com` (every name below it, at any depth, not the name itself). */
export interface DomainPattern {
  readonly domain: Domain
  readonly below: boolean
}

export function parseDomainPattern(text: string): Result<DomainPattern, string> {
  const below = text.startsWith('*.')
  const parsed = parseDomain(below ? text.slice(2) : text)
  return parsed.ok ? ok({ domain: parsed.value, below }) : parsed
}

export const textOfPattern = (pattern: DomainPattern): string =>
  pattern.below ? `*.${pattern.domain}` : pattern.domain
