import type { Domain } from '../../kernel/domain.ts'

/** What dialback proves a stream for: stanzas from `sender` to `target` (XEP-0220 §1.3). */
export interface DomainPair {
  readonly sender: Domain
  readonly target: Domain
}

export type PairKey = string

/** No domain holds a space. */
export const pairKey = ({ sender, target }: DomainPair): PairKey => `${sender} ${target}`
