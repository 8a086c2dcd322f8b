import type { Evidence } from './evidence.ts'
import type { RequestFacts } from './request.ts'
import type { Snapshot } from './snapshot.ts'
import type { Subject } from './subject.ts'
import type { Verdict } from './verdict.ts'

export function decide(
  _request: RequestFacts,
  _evidence: Evidence,
  _snapshot: Snapshot,
  _subject: Subject,
): Verdict {
  throw new Error('not built')
}
