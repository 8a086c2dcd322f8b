import type { PresencePair, StoredAuthorization, StoredDialog } from '../edge/presence/store.ts'
import { type PresenceBatch, pairKey } from './presence-rows.ts'

/**
 * What of presence is to be written: of each key the last word, so that it is never more than what its callers hold.
 * Whatever is kept here came after what is dropped here, which makes the order within a batch simple.
 */
export class PresenceWaiting {
  readonly #droppedPairs = new Map<string, PresencePair>()
  readonly #droppedDialogs = new Set<string>()
  readonly #authorizations = new Map<string, StoredAuthorization>()
  readonly #dialogs = new Map<string, StoredDialog>()
  /** Identifiers in `#dialogs`, by their pair. */
  readonly #ofPair = new Map<string, Set<string>>()

  get size(): number {
    return (
      this.#droppedPairs.size + this.#droppedDialogs.size + this.#authorizations.size + this.#dialogs.size
    )
  }

  // Each word is copied: `wrote` knows by the object whether it is still the last one.

  keepAuthorization(authorization: StoredAuthorization): void {
    this.#authorizations.set(pairKey(authorization), { ...authorization })
  }

  dropPair(pair: PresencePair): void {
    const key = pairKey(pair)
    this.#authorizations.delete(key)
    // By name too: in the store they may still be those of another pair.
    for (const id of [...(this.#ofPair.get(key) ?? [])]) this.dropDialog(id)
    this.#droppedPairs.set(key, { ...pair })
  }

  keepDialog(dialog: StoredDialog): void {
    this.#unlink(dialog.id)
    this.#droppedDialogs.delete(dialog.id)
    this.#dialogs.set(dialog.id, { ...dialog })
    const key = pairKey(dialog)
    const ids = this.#ofPair.get(key)
    if (ids === undefined) this.#ofPair.set(key, new Set([dialog.id]))
    else ids.add(dialog.id)
  }

  dropDialog(id: string): void {
    this.#removeDialog(id)
    this.#droppedDialogs.add(id)
  }

  /** What comes first, `most` rows of it; it waits on, until it is known to be written. */
  first(most: number): PresenceBatch {
    let left = most
    const some = <T>(items: Iterable<T>): T[] => {
      const taken = take(items, left)
      left -= taken.length
      return taken
    }
    // Nothing is kept before all is dropped that may concern it.
    return {
      droppedPairs: some(this.#droppedPairs.values()),
      droppedDialogs: some(this.#droppedDialogs),
      authorizations: some(this.#authorizations.values()),
      dialogs: some(this.#dialogs.values()),
    }
  }

  /** The batch is in the store. Words that came meanwhile wait on. */
  wrote(batch: PresenceBatch): void {
    for (const pair of batch.droppedPairs) deleteSame(this.#droppedPairs, pairKey(pair), pair)
    // Kept and dropped again meanwhile: it is not there, and dropping it once is enough.
    for (const id of batch.droppedDialogs) this.#droppedDialogs.delete(id)
    for (const each of batch.authorizations) deleteSame(this.#authorizations, pairKey(each), each)
    for (const dialog of batch.dialogs) {
      if (this.#dialogs.get(dialog.id) === dialog) this.#removeDialog(dialog.id)
    }
  }

  #removeDialog(id: string): void {
    this.#unlink(id)
    this.#dialogs.delete(id)
  }

  #unlink(id: string): void {
    const dialog = this.#dialogs.get(id)
    if (dialog === undefined) return
    const key = pairKey(dialog)
    const ids = this.#ofPair.get(key)
    ids?.delete(id)
    if (ids?.size === 0) this.#ofPair.delete(key)
  }
}

function take<T>(items: Iterable<T>, most: number): T[] {
  const taken: T[] = []
  for (const item of items) {
    if (taken.length === most) break
    taken.push(item)
  }
  return taken
}

function deleteSame<V>(map: Map<string, V>, key: string, value: V): void {
  if (map.get(key) === value) map.delete(key)
}
