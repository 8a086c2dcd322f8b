import type { Domain } from '../../kernel/domain.ts'
import { certificateFault } from './certificate-check.ts'
import type { Verdict } from './dialback.ts'
import type { Wire } from './wire.ts'

/** For the log: what a stream that proved nothing had to show for the domain that it spoke of. `key`: what its last key came to. */
export function inVain({ secured }: Wire, other: Domain | undefined, key: Verdict | undefined): string {
  const certificate = other === undefined ? undefined : certificateFault(secured, other)
  const facts = [
    ...(secured === undefined ? ['in clear'] : []),
    ...(certificate === undefined ? [] : [`certificate: ${certificate}`]),
    ...(key === undefined || key.type === 'valid'
      ? []
      : [`dialback: ${key.type === 'invalid' ? key.type : key.condition}`]),
  ]
  return facts.length === 0 ? '' : ` (${facts.join('; ')})`
}
