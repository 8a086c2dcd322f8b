import { decide } from '../federation/decide.ts'
import { loadSubject } from '../federation/load-subject.ts'
import { REFUSALS } from '../federation/refusals.ts'
import { type Route, route } from '../federation/route.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { Verdict } from '../federation/verdict.ts'
import type { Arrival } from './arrival.ts'

export interface Admission {
  readonly verdict: Verdict
  readonly route: Route
}

/** The question to the rules and the way that follows; pure. */
export function admit(
  snapshot: Snapshot,
  arrival: Pick<Arrival, 'kind' | 'from' | 'to' | 'evidence'>,
): Admission {
  const request = { kind: arrival.kind, from: arrival.from, to: arrival.to }
  const subject = loadSubject(snapshot, request)
  const verdict = decide(request, arrival.evidence, snapshot, subject)
  return { verdict, route: route(snapshot, arrival.from.domain, arrival.to.domain, subject.home) }
}

/** The refusing step's own words for the log. */
export function detailOf(verdict: Verdict): string {
  if (verdict.outcome === 'deliver') return 'delivered'
  const step = verdict.steps.find((each) => each.result === 'refuse')
  return step === undefined ? REFUSALS[verdict.reason].meaning : step.detail
}
