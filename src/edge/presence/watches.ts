import { flat } from '../../kernel/flat.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import type { SavedSubscription } from '../../sip/events/saved.ts'
import type { Keeping } from './keeping.ts'
import type { Pending } from './pending.ts'
import { keyOf } from './people.ts'
import type { PresencePair, StoredAuthorization } from './store.ts'
import { Watch } from './watch.ts'

/** The pairs with an authorization, kept as long as they are here. */
export class Watches {
  readonly #keeping: Keeping
  readonly #pending: Pending
  readonly #limit: number
  readonly #table = new Map<string, Watch>()

  constructor(keeping: Keeping, pending: Pending, limit: number) {
    this.#keeping = keeping
    this.#pending = pending
    this.#limit = limit
  }

  get size(): number {
    return this.#table.size
  }

  values(): IterableIterator<Watch> {
    return this.#table.values()
  }

  find(pair: PresencePair): Watch | undefined {
    return this.#table.get(keyOf(pair))
  }

  /** Whether it is the one of its pair. */
  has(watch: Watch): boolean {
    return this.find(watch.pair) === watch
  }

  /** For another request, on which nobody has decided. */
  room(pair: PresencePair): Result<void, 'full' | 'pending'> {
    if (this.#table.size >= this.#limit) return err('full')
    return this.#pending.room(pair) ? ok(undefined) : err('pending')
  }

  /** A new one, on which nobody has decided. */
  add(watch: Watch): void {
    this.#table.set(flat(keyOf(watch.pair)), watch)
    this.#pending.add(watch)
    this.#keeping.authorization(watch)
  }

  /** Of an earlier process: the rules have to be asked first. */
  restore({ direction, xmpp, sip, state, since }: StoredAuthorization): Watch {
    const watch = new Watch({ direction, xmpp, sip }, since)
    watch.authorization = state
    watch.judged = false
    if (state === 'asked') this.#pending.add(watch)
    this.#table.set(flat(keyOf(watch.pair)), watch)
    return watch
  }

  granted(watch: Watch, since: number): void {
    watch.authorization = 'granted'
    watch.since = since
    watch.request = undefined
    this.#pending.delete(watch)
    this.#keeping.authorization(watch)
  }

  /** It may still have to leave. */
  drop(watch: Watch): void {
    this.#keeping.drop(watch)
  }

  forget(watch: Watch): void {
    watch.rest()
    this.#pending.delete(watch)
    if (this.#table.delete(keyOf(watch.pair))) this.#keeping.drop(watch)
  }

  keep(watch: Watch, id: string, saved: SavedSubscription | undefined): void {
    const over = watch.leaving === 'unsubscribe' || watch.leaving === 'refused'
    this.#keeping.dialog(watch, id, over ? undefined : saved, watch.shown.keys())
  }
}
