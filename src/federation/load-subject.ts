import type { RequestFacts } from './request.ts'
import type { Snapshot } from './snapshot.ts'
import type { Subject } from './subject.ts'

/** The subject from the rows of the snapshot itself. */
export function loadSubject(_snapshot: Snapshot, _request: RequestFacts): Subject {
  throw new Error('not built')
}
