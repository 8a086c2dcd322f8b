import { textOfAddress } from '../federation/address.ts'
import { decide } from '../federation/decide.ts'
import { loadSubject } from '../federation/load-subject.ts'
import { peerOf } from '../federation/lookup.ts'
import { REFUSALS } from '../federation/refusals.ts'
import type { RequestFacts } from '../federation/request.ts'
import { type Route, route } from '../federation/route.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import { STEP_NAMES, type Verdict } from '../federation/verdict.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Arrival } from './arrival.ts'
import type { PeerCounters } from './limits.ts'

export interface Admission {
  readonly verdict: Verdict
  readonly route: Route
}

export interface AdmitOptions {
  readonly clock: Pick<Clock, 'wall'>
  /** Where what comes in is counted; undefined: nowhere, and there are no limits. */
  readonly peers: PeerCounters | undefined
}

/** The question to the rules and the way that follows. */
export function admit(
  snapshot: Snapshot,
  arrival: Pick<Arrival, 'kind' | 'from' | 'to' | 'evidence'>,
  { clock, peers }: AdmitOptions,
): Admission {
  const { kind, from, to, evidence } = arrival
  const request: RequestFacts = { kind, from, to }
  const subject = loadSubject(snapshot, request, clock.wall())
  const way = route(snapshot, from.domain, to.domain, subject.home)
  const verdict = decide(request, evidence, snapshot, subject)
  const beyond =
    peers !== undefined && counts(verdict)
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
const counts = (verdict: Verdict): boolean =>
  verdict.direction === 'inbound' && verdict.steps[PROOF]?.result === 'pass'

/** The refusing step's own words for the log. */
export function detailOf(verdict: Verdict): string {
  if (verdict.outcome === 'deliver') return 'delivered'
  const step = verdict.steps.find((each) => each.result === 'refuse')
  return step === undefined ? REFUSALS[verdict.reason].meaning : step.detail
}
