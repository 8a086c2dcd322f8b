import type { ExplainedRoute, Explanation } from '../admin/explain.ts'
import type { Evidence } from '../federation/evidence.ts'
import { OWNER_TEXT } from '../federation/owners.ts'
import { POLICY_FLAGS } from '../federation/policies.ts'
import { REFUSALS } from '../federation/refusals.ts'
import type { Step } from '../federation/verdict.ts'
import { linesOfCounts } from './counts.ts'

const SIGN = { pass: '✓', refuse: '✗', skip: '–' } as const satisfies Record<Step['result'], string>

export function textOfExplanation(explanation: Explanation): string {
  const { request, evidence, verdict, answer, route: way } = explanation
  const width = Math.max(...verdict.steps.map(({ name }) => name.length))
  const lines = [
    `${request.kind} from ${request.from} to ${request.to} (${verdict.direction})`,
    `assuming that the sender ${textOfEvidence(evidence)}`,
    ...textOfRows(explanation),
    '',
    ...verdict.steps.map(({ name, result, detail }) => `  ${SIGN[result]} ${name.padEnd(width)}  ${detail}`),
    '',
  ]
  if (verdict.outcome === 'deliver') {
    lines.push(`delivered, marked ${verdict.mark}, ${textOfRoute(way)}`)
  } else {
    lines.push(`refused: ${verdict.reason}`, `  ${REFUSALS[verdict.reason].meaning}`)
    if (answer !== undefined)
      lines.push(`  the sender hears: "${answer.text}" (SIP ${answer.sipStatus}, XMPP ${answer.condition})`)
  }
  return `${lines.join('\n')}\n`
}

/** The rows that the answer rests on, as far as there are some. */
function textOfRows({ verdict, owner, limits: allowed, counted, policy }: Explanation): string[] {
  const lines: string[] = []
  if (verdict.provider !== undefined && owner !== undefined)
    lines.push(
      owner === 'shipped'
        ? `provider ${verdict.provider} is a shipped row`
        : `provider ${verdict.provider} is owned by ${OWNER_TEXT[owner]}`,
    )
  const { messagesPerSecond, contacts } = allowed
  const limits = [
    ...(messagesPerSecond === undefined ? [] : [`${messagesPerSecond} messages a second`]),
    ...(contacts === undefined ? [] : [`${contacts} distinct users an hour`]),
  ]
  if (verdict.direction === 'inbound' && verdict.level !== undefined && limits.length > 0) {
    lines.push(`its limits: ${limits.join(', ')}`)
    if (counted !== undefined)
      lines.push(
        `counted so far: ${linesOfCounts(counted, allowed)
          .map(([key, text]) => `${key} ${text}`)
          .join('; ')}`,
      )
  }
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

function textOfRoute(way: ExplainedRoute): string {
  switch (way.kind) {
    case 'home':
      return `to home ${way.to}`
    case 'component':
    case 's2s':
      return `over link ${way.to}`
    case 'sip':
      return `to an access edge of ${way.to}`
    case 'discover':
      return `to what DNS says of ${way.to}`
    case 'none':
      return `but there is no way (${way.reason})`
    default:
      return way.kind satisfies never
  }
}
