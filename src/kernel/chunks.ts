import { aTurn } from './turns.ts'

/** Items in one part: a few milliseconds of work, and far below the limit of parameters of both databases. */
const CHUNK = 200

/** One part after the other; in between, the rest of the process has its turn. */
export async function inChunks<T>(
  items: readonly T[],
  work: (chunk: readonly T[]) => unknown,
  size = CHUNK,
): Promise<void> {
  for (let from = 0; from < items.length; from += size) {
    if (from > 0) await aTurn()
    await work(items.slice(from, from + size))
  }
}
