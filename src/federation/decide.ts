import { type Case, caseOf } from './case.ts'
import { domainProof } from './domain-proof.ts'
import type { Evidence } from './evidence.ts'
import { level, markOf } from './level.ts'
import type { PolicyFlags } from './model.ts'
import type { RefusalReason } from './refusals.ts'
import type { RequestFacts } from './request.ts'
import type { Snapshot } from './snapshot.ts'
import { NEEDS } from './standing.ts'
import { pass, refuse, skip } from './step.ts'
import type { Subject } from './subject.ts'
import { STEP_NAMES, type Step, type Verdict } from './verdict.ts'

/** The policy, on one screen: asked from top to bottom, the first refusal ends it. */
const ASK = [
  sides,
  switches,
  blockedDomains,
  provider,
  domainProof,
  user,
  policy,
  blockList,
  limits,
  level,
] as const

/**
 * May this request cross? Pure: the same four arguments give the same verdict, on the live path, in `explain` and in
 * the log. `subject` is that of the served side (`loadSubject`).
 */
export function decide(
  request: RequestFacts,
  evidence: Evidence,
  snapshot: Snapshot,
  subject: Subject,
): Verdict {
  const c = caseOf(request, evidence, snapshot, subject)
  const steps = NOT_REACHED.slice()
  let at = 0
  for (const ask of ASK) {
    const step = ask(c)
    steps[at++] = step
    if (step.result === 'refuse') return refusal(c, steps, step.reason)
  }
  return delivery(c, steps)
}

const NOT_REACHED: readonly Step[] = STEP_NAMES.map((name) => skip(name, 'not asked: refused above'))

/** Written out twice, since a spread costs as much as all the questions. */
const delivery = (c: Case, steps: readonly Step[]): Verdict => ({
  outcome: 'deliver',
  direction: c.direction,
  mark: markOf(c),
  asserted: c.asserted,
  level: c.standing.level,
  list: c.subject.list,
  policy: c.subject.policy?.name,
  provider: c.standing.provider?.name,
  providerType: c.standing.provider?.type,
  hideNotes: c.subject.privacy.hideNotes,
  steps,
})

const refusal = (c: Case, steps: readonly Step[], reason: RefusalReason): Verdict => ({
  outcome: 'refuse',
  reason,
  direction: c.direction,
  mark: markOf(c),
  asserted: c.asserted,
  level: c.standing.level,
  list: c.subject.list,
  policy: c.subject.policy?.name,
  provider: c.standing.provider?.name,
  providerType: c.standing.provider?.type,
  hideNotes: c.subject.privacy.hideNotes,
  steps,
})

const IN = pass('sides', 'from outside to a served domain')
const OUT = pass('sides', 'from a served domain to outside')
const TRANSIT = refuse('no-transit', 'neither side is a served domain')
const BOTH = refuse('both-served', 'both sides are served domains')

function sides(c: Case): Step {
  if (c.served === undefined) return c.direction === 'outbound' ? BOTH : TRANSIT
  if (c.served.suspended) return refuse('suspended', `served domain ${c.served.name} is suspended`, 'sides')
  return c.direction === 'inbound' ? IN : OUT
}

const SWITCHED_ON = pass('switches', 'federation and what the remote side needs are on')
const FEDERATION_OFF = refuse('federation-off', 'federation is off')
const FEDERATION_SUSPENDED = refuse('suspended', 'federation is suspended', 'switches')

/** A policy flag and the switch of the federation that bears on the same thing. */
const SWITCH = {
  federation: { on: 'sip', off: refuse('sip-off', 'the switch for SIP partners is off') },
  publicIm: { on: 'publicIm', off: refuse('public-im-off', 'the switch for public providers is off') },
  xmpp: { on: 'xmpp', off: refuse('xmpp-off', 'the switch for XMPP is off') },
} as const satisfies Record<
  keyof PolicyFlags,
  { readonly on: 'sip' | 'publicIm' | 'xmpp'; readonly off: Step }
>

const needsOf = (c: Case): readonly (keyof PolicyFlags)[] =>
  NEEDS[c.standing.provider?.type ?? 'partner'][c.protocol]

function switches(c: Case): Step {
  const { federation } = c.snapshot
  if (federation.suspended) return FEDERATION_SUSPENDED
  if (!federation.enabled) return FEDERATION_OFF
  for (const need of needsOf(c)) {
    if (!federation[SWITCH[need].on]) return SWITCH[need].off
  }
  return SWITCHED_ON
}

const NOT_BLOCKED = pass('blocked-domains', 'the remote domain is not blocked')

function blockedDomains(c: Case): Step {
  const row = c.snapshot.blocked.get(c.remote)
  if (row === undefined) return NOT_BLOCKED
  return refuse(
    'domain-blocked',
    row.name === c.remote ? `${row.name} is blocked` : `${c.remote} is in ${row.name}, which is blocked`,
  )
}

function provider(c: Case): Step {
  return c.standing.step
}

const EXISTS = pass('user', 'the served user exists and is enabled')
const HOME_KNOWS = pass('user', 'the home server knows whether the user exists')
const NO_USER = refuse('user-unknown', 'there is no such user in a domain of listed users')
const DISABLED = refuse('user-disabled', 'the served user is disabled or suspended')

function user(c: Case): Step {
  if (c.subject.exists === 'no') return NO_USER
  if (!c.subject.enabled) return DISABLED
  const home = c.snapshot.homes.get(c.subject.home ?? c.served?.home ?? '')
  // Not `suspended`, whose answer is another: that would tell a stranger who exists.
  if (home?.suspended) return refuse('user-disabled', `home ${home.name} of the served user is suspended`)
  return c.subject.exists === 'yes' ? EXISTS : HOME_KNOWS
}

const NO_POLICIES = skip('policy', 'policies are not in use')

function policy(c: Case): Step {
  const grant = c.subject.policy
  if (grant === undefined) return NO_POLICIES
  for (const need of needsOf(c)) {
    if (!grant.flags[need]) return grant.denied[need]
  }
  return grant.granted
}

const NOT_ON_BLOCK_LIST = pass('block-list', 'not on the user’s block list')

function blockList(c: Case): Step {
  if (c.subject.list !== 'block') return NOT_ON_BLOCK_LIST
  const entry = c.subject.entry
  return refuse(
    'contact-blocked',
    entry === undefined
      ? 'on the user’s block list'
      : `on the user’s block list by ${entry.match.kind}, put there by ${entry.by}`,
  )
}

const WITHIN_LIMITS = pass('limits', 'within the peer’s limits')
const BEYOND = {
  'not-counted': skip('limits', 'nothing is counted here: only a running gateway knows'),
  messages: refuse('too-many-messages', 'beyond the peer’s messages per second'),
  contacts: refuse('too-many-contacts', 'beyond the peer’s number of distinct contacts'),
} as const

function limits(c: Case): Step {
  return c.request.beyond === undefined ? WITHIN_LIMITS : BEYOND[c.request.beyond]
}
