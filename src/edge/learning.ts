import { learns } from '../federation/learn.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { SipRequest } from '../sip/message.ts'
import type { Admission } from './admit.ts'
import type { Arrival } from './arrival.ts'
import { isAutomatic } from './automatic.ts'
import type { LearnedContacts } from './subjects.ts'

export interface LearningOptions {
  readonly contacts: Pick<LearnedContacts, 'learn' | 'unlearn'>
  readonly snapshot: () => Snapshot
}

/**
 * Puts whom a served user has spoken to on its Allow list, as far as the rules have it (`learns`), at once, since the answer
 * may come at once; and takes that back where the request fails after it had counted as delivered.
 */
export class Learning {
  readonly #options: LearningOptions
  /** Those that have taught what may still be taken back. */
  readonly #lessons = new WeakSet<SipRequest>()

  constructor(options: LearningOptions) {
    this.#options = options
  }

  /** Made for `PipelineOptions.delivered`; what finds no room is counted by the store. */
  readonly delivered = ({ kind, from, to, request }: Arrival, { verdict }: Admission): void => {
    const { contacts, snapshot } = this.#options
    const { learning } = snapshot().federation
    if (!learns({ kind }, verdict, 'delivered', isAutomatic(request), learning)) return
    if (contacts.learn(from, to, learning) === 'on-trial') this.#lessons.add(request)
  }

  /** Whether it matters that this request, which was delivered, fails after all. */
  isOnTrial({ request }: Pick<Arrival, 'request'>): boolean {
    return this.#lessons.has(request)
  }

  /** It has failed after all. */
  failed({ from, to, request }: Pick<Arrival, 'from' | 'to' | 'request'>): void {
    if (this.#lessons.delete(request)) this.#options.contacts.unlearn(from, to)
  }
}
