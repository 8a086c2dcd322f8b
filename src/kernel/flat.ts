const scratch = Buffer.allocUnsafeSlow(4096)

/**
 * The same text in storage of its own. A string cut from a longer one keeps that one alive, and a concatenation
 * keeps its parts: a table of short keys would hold every message they were read from.
 * A lone surrogate becomes U+FFFD.
 */
export function flat(text: string): string {
  if (text.length * 3 > scratch.length) return Buffer.from(text, 'utf8').toString('utf8')
  const length = scratch.write(text, 0, 'utf8')
  return scratch.toString('utf8', 0, length)
}
