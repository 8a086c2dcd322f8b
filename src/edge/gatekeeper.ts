import { loadSubject, questionOf, type UserRecord } from '../federation/load-subject.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Admission, type Asked, admit } from './admit.ts'
import type { PeerCounters } from './limits.ts'
import type { SubjectCache } from './subject-cache.ts'

export interface GatekeeperOptions {
  readonly snapshot: () => Snapshot
  readonly clock: Pick<Clock, 'wall'>
  /** Where what comes in is counted; absent: nowhere, and there are no limits. */
  readonly peers?: PeerCounters | undefined
  /** Users and contact entries of a store; absent: the snapshot has them all. */
  readonly records?: SubjectCache | undefined
}

/** Loads what is known of the served user, and asks the rules. */
export class Gatekeeper {
  readonly #options: GatekeeperOptions

  constructor(options: GatekeeperOptions) {
    this.#options = options
  }

  /**
   * At once where nothing has to be waited for; requests of one pair are judged in their order either way.
   * @param judged must not throw
   * @param unknown something failed, most likely the store: nothing is known, so nothing can be permitted
   */
  judge(asked: Asked, judged: (admission: Admission) => void, unknown: (error: unknown) => void): void {
    let admission: Admission | Promise<Admission>
    try {
      admission = this.#ask(asked)
    } catch (error) {
      unknown(error)
      return
    }
    if (admission instanceof Promise) admission.then(judged, unknown)
    else judged(admission)
  }

  #ask(asked: Asked): Admission | Promise<Admission> {
    const { snapshot, records } = this.#options
    const question = records === undefined ? undefined : questionOf(snapshot(), asked)
    const record = question === undefined ? undefined : records?.record(question)
    return record instanceof Promise
      ? record.then((loaded) => this.#admit(asked, loaded))
      : this.#admit(asked, record)
  }

  #admit(asked: Asked, stored: UserRecord | undefined): Admission {
    const { clock, peers } = this.#options
    const snapshot = this.#options.snapshot()
    return admit(snapshot, asked, loadSubject(snapshot, asked, clock.wall(), stored), peers)
  }
}
