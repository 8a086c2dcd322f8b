import { textOfAddress } from '../federation/address.ts'
import { decide } from '../federation/decide.ts'
import { peerOf } from '../federation/lookup.ts'
import { REFUSALS } from '../federation/refusals.ts'
import type { RequestFacts } from '../federation/request.ts'
import { type Route, route } from '../federation/route.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { Subject } from '../federation/subject.ts'
import { type Refusal, STEP_NAMES, type StepName, type Verdict } from '../federation/verdict.ts'
import type { Arrival } from './arrival.ts'
import type { PeerCounters } from './limits.ts'

export interface Admission {
  readonly verdict: Verdict
  readonly route: Route
}

/** What of an arrival the rules are asked about. */
export type Asked = Pick<Arrival, 'kind' | 'from' | 'to' | 'evidence'> & {
  readonly passing?: { readonly within: boolean } | undefined
}

/**
 * The question to the rules and the way that follows.
 * @param peers where what comes in is counted; undefined: nowhere, and there are no limits
 */
export function admit(
  snapshot: Snapshot,
  { kind, from, to, evidence, passing }: Asked,
  subject: Subject,
  peers: PeerCounters | undefined,
): Admission {
  const request: RequestFacts = { kind, from, to, within: passing?.within }
  const way = route(snapshot, from.domain, to.domain, subject.home)
  const verdict = decide(request, evidence, snapshot, subject)
  const beyond =
    peers !== undefined && isCounted(verdict)
      ? peers.beyond(peerOf(snapshot, from.domain), textOfAddress(to))
      : undefined
  if (beyond === undefined) return { verdict, route: way }
  return { verdict: decide({ ...request, beyond }, evidence, snapshot, subject), route: way }
}

const PROOF = STEP_NAMES.indexOf('domain-proof')

/**
 * What comes in counts once the peer has proved its domain: before that, anyone could use up another's limits. What is
 * refused later counts too, since trying many users is what the limit of contacts is for.
 */
export const isCounted = (verdict: Verdict): boolean =>
  verdict.direction === 'inbound' && verdict.steps[PROOF]?.result === 'pass'

/** The step that refuses, and its own words: for the log and the inside. */
export function refusingStep(verdict: Refusal): { readonly step: StepName; readonly detail: string } {
  const step = verdict.steps.find((each) => each.result === 'refuse')
  const { step: name, meaning } = REFUSALS[verdict.reason]
  return { step: step?.name ?? name, detail: step?.detail ?? meaning }
}
