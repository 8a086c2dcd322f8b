import type {
  PresencePair,
  PresenceStore,
  PresenceStoreStats,
  StoredAuthorization,
  StoredDialog,
} from '../edge/presence/store.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Timers } from '../kernel/timer-wheel.ts'
import { Outage } from './outage.ts'
import {
  isKeepableAuthorization,
  isKeepableDialog,
  isKeepableId,
  isKeepablePair,
  type PresenceRows,
} from './presence-rows.ts'
import { PresenceWaiting } from './presence-waiting.ts'
import { Sweeper } from './sweeper.ts'
import { WriteBehind } from './write-behind.ts'

export interface PresenceWriterOptions {
  readonly rows: Pick<PresenceRows, 'write' | 'sweep'>
  readonly onFault: (error: unknown) => void
  readonly clock: Clock
  readonly timers: Timers
}

/** Rows in one transaction: a fraction of a millisecond of the message path's thread. */
const BATCH = 500

/** Writes what is kept of presence in batches, off the way of messages and notifications. */
export class PresenceWriter implements Omit<PresenceStore, 'loadPresence'> {
  readonly #rows: PresenceWriterOptions['rows']
  readonly #outage: Outage
  /** Of what no database would take. */
  readonly #odd: Outage
  readonly #waiting = new PresenceWaiting()
  readonly #behind: WriteBehind
  readonly #sweeper: Sweeper
  #written = 0
  #failed = 0

  constructor({ rows, onFault, clock, timers }: PresenceWriterOptions) {
    this.#rows = rows
    this.#outage = new Outage(clock, onFault)
    this.#odd = new Outage(clock, onFault)
    this.#behind = new WriteBehind({
      write: () => this.#writeSome(),
      waits: () => this.#waiting.size > 0,
      timers,
    })
    this.#sweeper = new Sweeper({ sweep: (now) => rows.sweep(now), onFault, clock, timers })
  }

  keepAuthorization(authorization: StoredAuthorization): void {
    if (isKeepableAuthorization(authorization)) {
      this.#waiting.keepAuthorization(authorization)
      this.#behind.soon()
    } else this.#refuse('an authorization')
  }

  dropPair(pair: PresencePair): void {
    // Else there is nothing to drop.
    if (!isKeepablePair(pair)) return
    this.#waiting.dropPair(pair)
    this.#behind.soon()
  }

  keepDialog(dialog: StoredDialog): void {
    if (isKeepableDialog(dialog)) {
      this.#waiting.keepDialog(dialog)
      this.#behind.soon()
    } else this.#refuse('a dialog')
  }

  dropDialog(id: string): void {
    if (!isKeepableId(id)) return
    this.#waiting.dropDialog(id)
    this.#behind.soon()
  }

  presenceStats(): PresenceStoreStats {
    return { waiting: this.#waiting.size, written: this.#written, failed: this.#failed }
  }

  /** Writes what waits, as far as the store lets it. */
  async close(): Promise<void> {
    this.#sweeper.close()
    await this.#behind.close()
  }

  async #writeSome(): Promise<boolean> {
    const batch = this.#waiting.first(BATCH)
    try {
      await this.#rows.write(batch)
    } catch (error) {
      this.#failed++
      this.#outage.failed(error)
      return false
    }
    this.#outage.worked()
    this.#waiting.wrote(batch)
    for (const part of Object.values(batch)) this.#written += part.length
    return true
  }

  #refuse(what: string): void {
    this.#odd.failed(
      new Error(
        `${what} of presence is not kept: its names are too long, or it is not what a database can hold`,
      ),
    )
  }
}
