import type { Result } from '../kernel/result.ts'
import type { Steps } from '../kernel/turns.ts'
import type { Conflict } from './conflicts.ts'
import { mergeSteps } from './merge.ts'
import { type Snapshot, snapshotSteps } from './snapshot.ts'
import type { SourceRows, StoreRows } from './sources.ts'

/** The rows of file and store put together, checked and indexed. */
export function* snapshotFrom(
  file: SourceRows,
  store: StoreRows,
): Steps<Result<Snapshot, readonly Conflict[]>> {
  const merged = yield* mergeSteps(file, store)
  return merged.ok ? yield* snapshotSteps(merged.value.input, merged.value.owners) : merged
}
