import type { Config } from '../config/config.ts'
import { type ConfigProblem, textOfProblem } from '../config/problem.ts'
import type { Result } from '../kernel/result.ts'

/** What `dragoman check` has found out about a file. */
export type Checked = Result<Config, readonly ConfigProblem[]>

/** One line a problem, as `FILE:LINE:COLUMN: PATH: what is wrong (what to do)`, or one line on what the file sets up. */
export function textOfCheck(file: string, checked: Checked): string {
  if (!checked.ok) {
    const count = checked.error.length
    return `${checked.error.map(textOfProblem).join('\n')}\n${file}: ${plural(count, 'problem')}\n`
  }
  const { sip, federation, rows, warnings, store } = checked.value
  const parts = [
    plural(sip.listeners.length, 'listener'),
    plural(federation.homes.size, 'home'),
    plural(federation.servedDomains.size, 'served domain'),
    plural(federation.links.size, 'link'),
    plural(rows.providers.length, 'provider'),
  ]
  const off = federation.federation.enabled ? '' : '; federation is off, nothing will cross'
  const rest = store === undefined ? '' : '\nits store was not looked at: dragoman status does that'
  const lines = warnings.map((warning) => `warning: ${textOfProblem(warning)}\n`).join('')
  return `${lines}${file}: valid (${parts.join(', ')}${off})${rest}\n`
}

export const jsonOfCheck = (file: string, checked: Checked): object =>
  checked.ok
    ? { file, valid: true, problems: [], warnings: checked.value.warnings }
    : { file, valid: false, problems: checked.error }

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
