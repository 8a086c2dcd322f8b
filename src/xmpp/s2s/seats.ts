import type { Clock } from '../../kernel/clock.ts'
import type { Domain } from '../../kernel/domain.ts'

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
 * How many streams one domain has. Only those count where it is proved: whoever merely says that he is somebody takes no place from
 * him. Where all are taken the one that has been silent longest gives way, if it has been so for a minute: a server that was cut off
 * comes back while its old streams still look alive here.
 */
export class Seats {
  readonly #clock: Clock
  readonly #seated = new Map<Domain, Set<Seated>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** False: the domain has as many as it may. A stream that sits already stays. */
  take(domain: Domain, stream: Seated, limit: number): boolean {
    const seated = this.#seated.get(domain) ?? new Set()
    if (seated.has(stream)) return true
    if (seated.size >= limit && !this.#makeRoom(seated)) return false
    seated.add(stream)
    this.#seated.set(domain, seated)
    return true
  }

  /** Could a further stream take a seat? */
  hasRoom(domain: Domain, limit: number): boolean {
    const seated = this.#seated.get(domain)
    return seated === undefined || seated.size < limit || this.#silent(seated) !== undefined
  }

  leave(domain: Domain, stream: Seated): void {
    const seated = this.#seated.get(domain)
    if (seated?.delete(stream) === true && seated.size === 0) this.#seated.delete(domain)
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
