import { isCounted } from '../edge/admit.ts'
import type { PeerCounters, PeerCounts } from '../edge/limits.ts'
import { parseAddress, textOfAddress } from '../federation/address.ts'
import { decide } from '../federation/decide.ts'
import type { Evidence } from '../federation/evidence.ts'
import { expectedEvidence } from '../federation/expected-evidence.ts'
import { loadSubject, type UserRecord } from '../federation/load-subject.ts'
import { type Peer, peerOf } from '../federation/lookup.ts'
import type { PeerLimits, PolicyFlags } from '../federation/model.ts'
import { ownerOf } from '../federation/owners.ts'
import { answerOf, type OutsideAnswer } from '../federation/refusals.ts'
import type { RequestFacts, RequestKind } from '../federation/request.ts'
import { type Route, route } from '../federation/route.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { Owner } from '../federation/sources.ts'
import type { Verdict } from '../federation/verdict.ts'
import { ok } from '../kernel/result.ts'
import { type Answer, refuse } from './problem.ts'

/** A question to the federation rules with its answer, and where the request would go; what stands in it is stable. */
export interface Explanation {
  readonly request: { readonly kind: RequestKind; readonly from: string; readonly to: string }
  readonly evidence: Evidence
  readonly verdict: Verdict
  /** What the sender hears; undefined: nothing, the request is delivered. */
  readonly answer?: OutsideAnswer | undefined
  readonly route: ExplainedRoute
  /** Whose the provider of the remote side is; undefined: it has none, or the rows came from one place. */
  readonly owner?: Owner | undefined
  /** Those of the remote side. */
  readonly limits: PeerLimits
  /** What the running gateway has counted of the remote side; undefined: nothing yet, or no gateway was asked. */
  readonly counted?: PeerCounts | undefined
  /** The policy of the served user; undefined: policies are not in use. */
  readonly policy?: { readonly name?: string | undefined; readonly flags: PolicyFlags } | undefined
}

export interface ExplainedRoute {
  readonly kind: Route['kind']
  /** Name of the home, link or provider, or the domain to discover. */
  readonly to?: string | undefined
  /** Why there is none. */
  readonly reason?: string | undefined
}

/** The question as a person writes it. */
export function requestFrom(asked: {
  readonly from: string
  readonly to: string
  readonly kind: RequestKind
}): Answer<RequestFacts> {
  const from = parseAddress(asked.from)
  if (!from.ok) return noAddress('from', asked.from)
  const to = parseAddress(asked.to)
  return to.ok ? ok({ kind: asked.kind, from: from.value, to: to.value }) : noAddress('to', asked.to)
}

const noAddress = (side: 'from' | 'to', text: string): Answer<never> =>
  refuse('bad-request', `--${side}: "${text}" is not an address`, 'write user@domain or sip:user@domain')

/** Where a running gateway counts what its peers send; asked without being counted. */
export type Counted = Pick<PeerCounters, 'countsOf' | 'wouldBeBeyond'>

export type { PeerCounts }

export interface Surroundings {
  /** Milliseconds since the Unix epoch. */
  readonly now: number
  /** What the store knows of the served user. */
  readonly stored?: UserRecord | undefined
  /** Absent: no gateway runs here, and nothing is counted. */
  readonly peers?: Counted | undefined
}

/** Asks what the live path asks, of a sender that proves what the rightful one would. */
export function explain(
  snapshot: Snapshot,
  request: RequestFacts,
  { now, stored, peers }: Surroundings,
): Explanation {
  const subject = loadSubject(snapshot, request, now, stored)
  const evidence = expectedEvidence(request, snapshot, subject)
  const first = decide(request, evidence, snapshot, subject)
  const inbound = first.direction === 'inbound'
  const peer = peerOf(snapshot, inbound ? request.from.domain : request.to.domain)
  const beyond = isCounted(first) ? beyondOf(peers, peer, request) : undefined
  const verdict = beyond === undefined ? first : decide({ ...request, beyond }, evidence, snapshot, subject)
  return {
    request: { kind: request.kind, from: textOfAddress(request.from), to: textOfAddress(request.to) },
    evidence,
    verdict,
    answer: verdict.outcome === 'refuse' ? answerOf(verdict.reason) : undefined,
    route: explained(route(snapshot, request.from.domain, request.to.domain, subject.home)),
    owner: ownerOfProvider(snapshot, verdict.provider),
    limits: peer.limits,
    counted: inbound ? peers?.countsOf(peer) : undefined,
    policy:
      subject.policy === undefined ? undefined : { name: subject.policy.name, flags: subject.policy.flags },
  }
}

function beyondOf(peers: Counted | undefined, peer: Peer, { to }: RequestFacts): RequestFacts['beyond'] {
  if (peers !== undefined) return peers.wouldBeBeyond(peer, textOfAddress(to))
  const { messagesPerSecond, contacts } = peer.limits
  return messagesPerSecond === undefined && contacts === undefined ? undefined : 'not-counted'
}

const ownerOfProvider = ({ rowOwners }: Snapshot, provider: string | undefined): Owner | undefined =>
  rowOwners === undefined || provider === undefined ? undefined : ownerOf(rowOwners, 'providers', provider)

function explained(way: Route): ExplainedRoute {
  switch (way.kind) {
    case 'home':
      return { kind: way.kind, to: way.home.name }
    case 'component':
    case 's2s':
      return { kind: way.kind, to: way.link.name }
    case 'sip':
      return { kind: way.kind, to: way.provider.name }
    case 'discover':
      return { kind: way.kind, to: way.domain }
    case 'none':
      return { kind: way.kind, reason: way.reason }
    default:
      return way satisfies never
  }
}
