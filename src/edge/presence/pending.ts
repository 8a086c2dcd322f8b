import type { Clock } from '../../kernel/clock.ts'
import type { Timer, Timers } from '../../kernel/timer-wheel.ts'
import { domainOf, type Jid } from '../../xmpp/jid.ts'
import type { PresencePair } from './store.ts'
import type { Watch } from './watch.ts'

export interface PendingOptions {
  /** Of one XMPP domain. */
  readonly pending: number
  /** Milliseconds after which nobody will say yes any more. */
  readonly giveUp: number
  readonly clock: Clock
  readonly timers: Timers
}

/** Milliseconds between two looks at who has waited for too long. */
const LOOK = 60_000

/**
 * XMPP users whose request nobody has answered yet, by their domain: they cost their peer nothing, so that none may fill the table
 * with them, and none stays for ever.
 */
export class Pending {
  readonly #options: PendingOptions
  readonly #late: (watch: Watch) => void
  readonly #domains = new Map<string, Set<Watch>>()
  #timer: Timer | undefined

  /** @param late told of each that has waited for too long */
  constructor(options: PendingOptions, late: (watch: Watch) => void) {
    this.#options = options
    this.#late = late
  }

  /** Whether one more may wait. */
  room({ xmpp }: PresencePair): boolean {
    return (this.#domains.get(domainIn(xmpp))?.size ?? 0) < this.#options.pending
  }

  add(watch: Watch): void {
    const domain = domainIn(watch.pair.xmpp)
    const waiting = this.#domains.get(domain)
    if (waiting === undefined) this.#domains.set(domain, new Set([watch]))
    else waiting.add(watch)
    this.#timer ??= this.#options.timers.set(LOOK, this.#look)
  }

  delete(watch: Watch): void {
    const domain = domainIn(watch.pair.xmpp)
    const waiting = this.#domains.get(domain)
    waiting?.delete(watch)
    if (waiting?.size === 0) this.#domains.delete(domain)
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  readonly #look = (): void => {
    const { clock, giveUp, timers } = this.#options
    const now = clock.wall()
    const late: Watch[] = []
    for (const waiting of this.#domains.values())
      for (const watch of waiting) if (now - watch.since >= giveUp) late.push(watch)
    for (const watch of late) this.#late(watch)
    this.#timer = this.#domains.size > 0 ? timers.set(LOOK, this.#look) : undefined
  }
}

const domainIn = (jid: string): string => domainOf(jid as Jid) ?? jid
