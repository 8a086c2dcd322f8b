import type { Clock } from '../../kernel/clock.ts'

/** A stream that something is proved on. */
export interface Seated {
  /** The clock's time when something was read last. */
  readonly lastRead: number
  /** Another one takes its place. */
  giveWay(): void
}

/** Milliseconds of silence after which a stream may have lost its other side without our knowing it. */
const SILENT = 60_000

/**
 * How many streams one partner has, with all its domains. Only those count where one of them is proved: whoever merely says that he is
 * somebody takes no place from him. Where all are taken the one that has been silent longest gives way, if it has been so for a minute:
 * a server that was cut off comes back while its old streams still look alive here.
 */
export class Seats {
  readonly #clock: Clock
  readonly #seated = new Map<string, Set<Seated>>()
  /** By the stream: whose seats it has. */
  readonly #partners = new Map<Seated, Set<string>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** False: the partner has as many as it may. A stream that sits already stays. */
  take(partner: string, stream: Seated, limit: number): boolean {
    const seated = this.#seated.get(partner) ?? new Set()
    if (seated.has(stream)) return true
    if (seated.size >= limit && !this.#makeRoom(seated)) return false
    this.#seated.set(partner, seated.add(stream))
    this.#partners.set(stream, (this.#partners.get(stream) ?? new Set()).add(partner))
    return true
  }

  /** Could the stream take a seat, or has it one? */
  hasRoom(partner: string, stream: Seated, limit: number): boolean {
    const seated = this.#seated.get(partner)
    if (seated === undefined || seated.has(stream) || seated.size < limit) return true
    return this.#silent(seated) !== undefined
  }

  leave(stream: Seated): void {
    for (const partner of this.#partners.get(stream) ?? []) {
      const seated = this.#seated.get(partner)
      if (seated?.delete(stream) === true && seated.size === 0) this.#seated.delete(partner)
    }
    this.#partners.delete(stream)
  }

  #makeRoom(seated: Set<Seated>): boolean {
    const silent = this.#silent(seated)
    if (silent === undefined) return false
    seated.delete(silent)
    silent.giveWay()
    return true
  }

  #silent(seated: ReadonlySet<Seated>): Seated | undefined {
    let oldest: Seated | undefined
    for (const each of seated) if (oldest === undefined || each.lastRead < oldest.lastRead) oldest = each
    return oldest !== undefined && this.#clock.now() - oldest.lastRead >= SILENT ? oldest : undefined
  }
}
