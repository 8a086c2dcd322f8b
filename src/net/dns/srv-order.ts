import type { Random } from '../../kernel/random.ts'
import type { SrvRecord } from './answer.ts'

/**
 * The order in which servers are tried (RFC 2782): by priority, and by chance according to weight within one. Records
 * without a target or port are left out: nothing left means that the service is decidedly not available.
 */
export function inOrder<T extends SrvRecord>(records: readonly T[], random: Random): readonly T[] {
  const priorities = new Map<number, T[]>()
  for (const record of records) {
    if (record.target === '.' || record.port === 0) continue
    const same = priorities.get(record.priority)
    if (same === undefined) priorities.set(record.priority, [record])
    else same.push(record)
  }
  return [...priorities.entries()].sort(([a], [b]) => a - b).flatMap(([, same]) => byWeight(same, random))
}

/** Weight 0 stands first, where it has its very small chance: only the number 0 itself selects it. */
function byWeight<T extends SrvRecord>(records: readonly T[], random: Random): readonly T[] {
  const left = [...records].sort((a, b) => Number(a.weight > 0) - Number(b.weight > 0))
  const ordered: T[] = []
  while (left.length > 0) {
    const sum = left.reduce((total, { weight }) => total + weight, 0)
    // A number between 0 and the sum, both inclusive; the first whose running sum reaches it is next.
    let chosen = Math.floor(random.fraction() * (sum + 1))
    let index = 0
    for (const { weight } of left) {
      if (weight >= chosen) break
      chosen -= weight
      index++
    }
    ordered.push(...left.splice(index, 1))
  }
  return ordered
}
