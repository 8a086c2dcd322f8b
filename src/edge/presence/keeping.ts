import type { SavedSubscription } from '../../sip/events/saved.ts'
import { keptDialog } from './kept.ts'
import type { PresencePair, PresenceStore } from './store.ts'

/** What of a pair is kept; the same in both directions. */
interface Keepable {
  readonly pair: PresencePair
  readonly authorization: 'asked' | 'granted'
  readonly since: number
  readonly home: string
}

/** Keeps what must outlive the process, where there is a store. */
export class Keeping {
  readonly #store: PresenceStore | undefined

  constructor(store: PresenceStore | undefined) {
    this.#store = store
  }

  authorization({ pair, authorization, since }: Keepable): void {
    this.#store?.keepAuthorization({ ...pair, state: authorization, since })
  }

  /** @param saved undefined: it is over */
  dialog(
    { pair, home }: Keepable,
    id: string,
    saved: SavedSubscription | undefined,
    shown: Iterable<string>,
  ): void {
    if (saved === undefined) this.#store?.dropDialog(id)
    else this.#store?.keepDialog(keptDialog(pair, id, { saved, home, shown: [...shown] }))
  }

  /** With its dialogs. */
  drop({ pair }: Keepable): void {
    this.#store?.dropPair(pair)
  }
}
