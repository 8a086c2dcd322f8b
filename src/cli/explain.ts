import { parseAddress, textOfAddress } from '../federation/address.ts'
import { decide } from '../federation/decide.ts'
import type { Evidence } from '../federation/evidence.ts'
import { expectedEvidence } from '../federation/expected-evidence.ts'
import { loadSubject } from '../federation/load-subject.ts'
import { peerOf } from '../federation/lookup.ts'
import type { PeerLimits } from '../federation/model.ts'
import { OWNER_TEXT, ownerOf } from '../federation/owners.ts'
import { type Grant, POLICY_FLAGS } from '../federation/policies.ts'
import { answerOf, type OutsideAnswer, REFUSALS } from '../federation/refusals.ts'
import { REQUEST_KINDS, type RequestFacts } from '../federation/request.ts'
import { type Route, route } from '../federation/route.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { Owner } from '../federation/sources.ts'
import type { Step, Verdict } from '../federation/verdict.ts'
import { type Clock, systemClock } from '../kernel/clock.ts'
import { err, ok, type Result } from '../kernel/result.ts'

/** A question to the federation rules with its answer, and where the request would go. */
export interface Explanation {
  readonly request: RequestFacts
  readonly evidence: Evidence
  readonly verdict: Verdict
  readonly route: Route
  /** Whose the row of the remote side is, and what limits it has. */
  readonly peer: { readonly owner: Owner | undefined; readonly limits: PeerLimits }
  /** The policy of the served user; undefined: policies are not in use. */
  readonly policy: Grant | undefined
}

/** The request of `dragoman explain --from … --to … --kind …`, or a sentence on what is wrong with it. */
export function requestFrom(options: {
  readonly from: string
  readonly to: string
  readonly kind: string
}): Result<RequestFacts, string> {
  const from = parseAddress(options.from)
  if (!from.ok)
    return err(`--from: "${options.from}" is not an address; write user@domain or sip:user@domain`)
  const to = parseAddress(options.to)
  if (!to.ok) return err(`--to: "${options.to}" is not an address; write user@domain or sip:user@domain`)
  const kind = REQUEST_KINDS.find((known) => known === options.kind)
  if (kind === undefined) {
    return err(`--kind: "${options.kind}" is not a kind of request; one of ${REQUEST_KINDS.join(', ')}`)
  }
  return ok({ from: from.value, to: to.value, kind })
}

/** Asks what the live path asks, of a sender that proves what the rightful one would. */
export function explain(
  snapshot: Snapshot,
  request: RequestFacts,
  clock: Pick<Clock, 'wall'> = systemClock,
): Explanation {
  const subject = loadSubject(snapshot, request, clock.wall())
  const evidence = expectedEvidence(request, snapshot, subject)
  const verdict = decide(request, evidence, snapshot, subject)
  return {
    request,
    evidence,
    verdict,
    route: route(snapshot, request.from.domain, request.to.domain, subject.home),
    peer: peerOfVerdict(snapshot, request, verdict),
    policy: subject.policy,
  }
}

function peerOfVerdict(snapshot: Snapshot, request: RequestFacts, verdict: Verdict): Explanation['peer'] {
  const { provider, direction } = verdict
  const remote = direction === 'inbound' ? request.from.domain : request.to.domain
  const owners = snapshot.rowOwners
  return {
    owner:
      owners === undefined || provider === undefined ? undefined : ownerOf(owners, 'providers', provider),
    limits: peerOf(snapshot, remote).limits,
  }
}

const SIGN = { pass: '✓', refuse: '✗', skip: '–' } as const satisfies Record<Step['result'], string>

export function textOfExplanation(explanation: Explanation): string {
  const { request, evidence, verdict, route: way } = explanation
  const width = Math.max(...verdict.steps.map(({ name }) => name.length))
  const lines = [
    `${request.kind} from ${textOfAddress(request.from)} to ${textOfAddress(request.to)} (${verdict.direction})`,
    `assuming that the sender ${textOfEvidence(evidence)}`,
    ...textOfRows(explanation),
    '',
    ...verdict.steps.map(({ name, result, detail }) => `  ${SIGN[result]} ${name.padEnd(width)}  ${detail}`),
    '',
  ]
  if (verdict.outcome === 'deliver') {
    lines.push(`delivered, marked ${verdict.mark}, ${textOfRoute(way)}`)
  } else {
    const answer: OutsideAnswer = answerOf(verdict.reason)
    lines.push(
      `refused: ${verdict.reason}`,
      `  ${REFUSALS[verdict.reason].meaning}`,
      `  the sender hears: "${answer.text}" (SIP ${answer.sipStatus}, XMPP ${answer.condition})`,
    )
  }
  return `${lines.join('\n')}\n`
}

/** The rows that the answer rests on, as far as there are some. */
function textOfRows({ verdict, peer, policy }: Explanation): string[] {
  const lines: string[] = []
  if (verdict.provider !== undefined && peer.owner !== undefined)
    lines.push(
      peer.owner === 'shipped'
        ? `provider ${verdict.provider} is a shipped row`
        : `provider ${verdict.provider} is owned by ${OWNER_TEXT[peer.owner]}`,
    )
  const { messagesPerSecond, contacts } = peer.limits
  const limits = [
    ...(messagesPerSecond === undefined ? [] : [`${messagesPerSecond} messages a second`]),
    ...(contacts === undefined ? [] : [`${contacts} distinct users an hour`]),
  ]
  if (verdict.direction === 'inbound' && verdict.level !== undefined && limits.length > 0)
    lines.push(`its limits: ${limits.join(', ')}`)
  if (policy !== undefined) {
    const flags = POLICY_FLAGS.filter((flag) => policy.flags[flag])
    const granted = flags.length === 0 ? 'nothing' : flags.join(', ')
    lines.push(
      policy.name === undefined
        ? 'no policy applies to the user'
        : `the policy of the user is "${policy.name}", which grants ${granted}`,
    )
  }
  return lines
}

/** For scripts; what stands in it is stable. */
export function jsonOfExplanation(explanation: Explanation): object {
  const { request, evidence, verdict, route: way, peer, policy } = explanation
  return {
    request: { kind: request.kind, from: textOfAddress(request.from), to: textOfAddress(request.to) },
    evidence,
    verdict,
    answer: verdict.outcome === 'refuse' ? answerOf(verdict.reason) : undefined,
    route: { kind: way.kind, to: nameOfRoute(way) },
    owner: peer.owner,
    limits: peer.limits,
    policy: policy === undefined ? undefined : { name: policy.name, flags: policy.flags },
  }
}

function textOfEvidence(evidence: Evidence): string {
  switch (evidence.kind) {
    case 'component':
      return `comes over link ${evidence.link}`
    case 'home':
      return `comes from home ${evidence.home}`
    case 'sip-peer':
      return `shows a client certificate for ${evidence.names.join(', ')}, and says nothing of its user`
    case 's2s':
      return `shows its certificate on link ${evidence.link}`
    case 'none':
      return 'proves nothing, since there is no link it could come over'
    default:
      return evidence satisfies never
  }
}

function nameOfRoute(way: Route): string | undefined {
  switch (way.kind) {
    case 'home':
      return way.home.name
    case 'component':
    case 's2s':
      return way.link.name
    case 'sip':
      return way.provider.name
    case 'discover':
      return way.domain
    case 'none':
      return undefined
    default:
      return way satisfies never
  }
}

function textOfRoute(way: Route): string {
  switch (way.kind) {
    case 'home':
      return `to home ${way.home.name}`
    case 'component':
    case 's2s':
      return `over link ${way.link.name}`
    case 'sip':
      return `to an access edge of ${way.provider.name}`
    case 'discover':
      return `to what DNS says of ${way.domain}`
    case 'none':
      return `but there is no way (${way.reason})`
    default:
      return way satisfies never
  }
}
