import { type Document, isMap, isScalar, isSeq, type LineCounter, type Node, type Pair } from 'yaml'
import type { Path } from './problem.ts'

export interface Position {
  readonly line: number
  readonly column: number
}

/**
 * Where something stands in the file: a scalar value itself, otherwise the key (or the item) that opens it; for what is
 * missing, the section where it should be.
 * @param onKey the key even where the value is a scalar
 */
export function positionOf(document: Document, lines: LineCounter, path: Path, onKey = false): Position {
  let node: Node | null = document.contents
  let offset = 0
  for (const [depth, part] of path.entries()) {
    const last = depth === path.length - 1
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find(
        ({ key }) => isScalar(key) && String(key.value) === String(part),
      )
      if (pair === undefined) break
      offset = startOf(pair.key) ?? offset
      node = resolved(pair.value, document)
      if (last && !onKey && isScalar(node)) offset = startOf(node) ?? offset
    } else if (isSeq(node) && typeof part === 'number') {
      const item: unknown = node.items[part]
      if (item === undefined) break
      offset = startOf(item) ?? offset
      node = resolved(item, document)
    } else break
  }
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}

function startOf(node: unknown): number | undefined {
  const range = (node as { range?: readonly number[] | null } | null)?.range
  return range?.[0]
}

/** An alias stands for what its anchor is on. */
function resolved(node: unknown, document: Document): Node | null {
  const seen = node as (Node & { resolve?: (document: Document) => Node | undefined }) | null
  return seen?.resolve === undefined ? seen : (seen.resolve(document) ?? null)
}
