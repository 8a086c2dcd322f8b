import type { AdminProblem, AdminProblemCode } from '../admin/problem.ts'

/** What a command ends with; documented in docs/cli.md. */
export const EXIT = {
  done: 0,
  /** The store, the gateway or the configuration failed. */
  failed: 1,
  /** The command line, or a value in it, is wrong. */
  usage: 2,
  /** Refused: a conflict, nothing to do, another owner; or `explain` says that a request is. */
  refused: 3,
  notFound: 4,
} as const

const BY_CODE = {
  'bad-request': EXIT.usage,
  'not-found': EXIT.notFound,
  'nothing-to-do': EXIT.refused,
  exists: EXIT.refused,
  'file-owned': EXIT.refused,
  conflict: EXIT.refused,
  stale: EXIT.refused,
  'no-store': EXIT.refused,
  'not-possible': EXIT.refused,
  'store-failed': EXIT.failed,
  unreachable: EXIT.failed,
  internal: EXIT.failed,
} as const satisfies Record<AdminProblemCode, number>

export const exitCodeOf = ({ code }: AdminProblem): number => BY_CODE[code]

/** For people: what is wrong, every part of it, and what to do. */
export function textOfAdminProblem({ message, cure, faults = [], conflicts = [] }: AdminProblem): string {
  const lines = [`dragoman: ${message}`]
  if (faults.length > 1) {
    for (const fault of faults) {
      const at = fault.path === '' ? '' : `${fault.path}: `
      lines.push(`  ${at}${fault.message}${fault.cure === '' ? '' : ` (${fault.cure})`}`)
    }
  }
  if (conflicts.length > 1) for (const each of conflicts) lines.push(`  ${each.message} (${each.cure})`)
  const told = faults.length > 1 ? faults[0]?.cure : conflicts.length > 1 ? conflicts[0]?.cure : undefined
  if (cure !== '' && cure !== told) lines.push(`  ${cure}`)
  return `${lines.join('\n')}\n`
}
