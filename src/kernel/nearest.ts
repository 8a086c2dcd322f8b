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
