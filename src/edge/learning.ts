import { learns } from '../federation/learn.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { Admission } from './admit.ts'
import type { Arrival } from './arrival.ts'
import { isAutomatic } from './automatic.ts'
import type { LearnedContacts } from './subjects.ts'

export interface LearningOptions {
  readonly contacts: Pick<LearnedContacts, 'learn'>
  readonly snapshot: () => Snapshot
}

/**
 * Puts whom a served user has spoken to on its Allow list, as far as the rules have it (`learns`). Made for
 * `PipelineOptions.delivered`; what finds no room is counted by the store.
 */
export const learningFrom =
  ({ contacts, snapshot }: LearningOptions) =>
  ({ kind, from, to, request }: Arrival, { verdict }: Admission): void => {
    const { learning } = snapshot().federation
    if (learns({ kind }, verdict, 'delivered', isAutomatic(request), learning))
      contacts.learn(from, to, learning)
  }
