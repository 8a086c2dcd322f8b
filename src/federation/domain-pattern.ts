import { type Domain, isWithin, parseDomain } from '../kernel/domain.ts'
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

export const matchesPattern = (pattern: DomainPattern, name: Domain): boolean =>
  pattern.below ? name !== pattern.domain && isWithin(name, pattern.domain) : name === pattern.domain

/** True if every name of `narrow` is in `wide`. */
export const covers = (wide: DomainPattern, narrow: DomainPattern): boolean =>
  narrow.below ? wide.below && isWithin(narrow.domain, wide.domain) : matchesPattern(wide, narrow.domain)
