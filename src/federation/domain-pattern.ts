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

/** True if some name is in both. */
export const patternsOverlap = (a: DomainPattern, b: DomainPattern): boolean => {
  if (a.below && b.below) return isWithin(a.domain, b.domain) || isWithin(b.domain, a.domain)
  return a.below ? matchesPattern(a, b.domain) : matchesPattern(b, a.domain)
}
