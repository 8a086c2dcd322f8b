/** Something wrong in a configuration file, with what a person needs to put it right. */
export interface ConfigProblem {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  /** `federation.providers[0].verification`; empty for the file as a whole. */
  readonly path: string
  readonly message: string
  /** What to do about it. */
  readonly cure: string
}

export type Path = readonly (string | number)[]

export const textOfPath = (path: Path): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? part : `${text}.${part}`
  }, '')

export const textOfProblem = (problem: ConfigProblem): string =>
  `${problem.file}:${problem.line}:${problem.column}: ${problem.path === '' ? '' : `${problem.path}: `}${problem.message} (${problem.cure})`

/** The known word nearest to what was written, if it is near. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  const limit = written.length < 4 ? 1 : written.length < 8 ? 2 : 3
  let best: string | undefined
  let least = limit + 1
  for (const word of known) {
    const far = distance(written.toLowerCase(), word.toLowerCase())
    if (far < least) {
      least = far
      best = word
    }
  }
  return best
}

/** Levenshtein's, over at most 64 characters. */
function distance(a: string, b: string): number {
  if (a.length > 64 || b.length > 64) return Number.POSITIVE_INFINITY
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
