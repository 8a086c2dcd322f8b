import { flat } from '../../kernel/flat.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import type { SavedSubscription } from '../../sip/events/saved.ts'
import type { Keeping } from './keeping.ts'
import { keyOf } from './people.ts'
import type { PresencePair, StoredAuthorization } from './store.ts'
import { Watch } from './watch.ts'

/** The pairs with an authorization, kept as long as they are here. */
export class Watches {
  readonly #keeping: Keeping
  readonly #limit: number
  readonly #table = new Map<string, Watch>()

  constructor(keeping: Keeping, limit: number) {
    this.#keeping = keeping
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

  room(): Result<void, 'full'> {
    return this.#table.size < this.#limit ? ok(undefined) : err('full')
  }

  add(watch: Watch): void {
    this.#table.set(flat(keyOf(watch.pair)), watch)
    this.#keeping.authorization(watch)
  }

  /** Of an earlier process: the rules have to be asked first. */
  restore({ direction, xmpp, sip, state, since }: StoredAuthorization): Watch {
    const watch = new Watch({ direction, xmpp, sip }, since)
    watch.authorization = state
    watch.judged = false
    this.#table.set(flat(keyOf(watch.pair)), watch)
    return watch
  }

  granted(watch: Watch, since: number): void {
    watch.authorization = 'granted'
    watch.since = since
    watch.request = undefined
    this.#keeping.authorization(watch)
  }

  /** It may still have to leave. */
  drop(watch: Watch): void {
    this.#keeping.drop(watch)
  }

  forget(watch: Watch): void {
    watch.rest()
    if (this.#table.delete(keyOf(watch.pair))) this.#keeping.drop(watch)
  }

  keep(watch: Watch, id: string, saved: SavedSubscription | undefined): void {
    const over = watch.leaving === 'unsubscribe' || watch.leaving === 'refused'
    this.#keeping.dialog(watch, id, over ? undefined : saved, watch.shown.keys())
  }
}
