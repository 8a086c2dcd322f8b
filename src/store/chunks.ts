import { setImmediate } from 'node:timers/promises'

/** Rows in one statement: far below the limit of parameters of both products. */
const CHUNK = 200

/** One part after the other; in between, the rest of the process has its turn. */
export async function inChunks<T>(
  items: readonly T[],
  work: (chunk: readonly T[]) => Promise<unknown>,
  size = CHUNK,
): Promise<void> {
  for (let from = 0; from < items.length; from += size) {
    if (from > 0) await setImmediate()
    await work(items.slice(from, from + size))
  }
}
