import { type Domain, parseDomain } from '../../../src/kernel/domain.ts'
import type {
  Party,
  ResultAnswer,
  ResultRequest,
  Verdict,
  VerifyAnswer,
  VerifyRequest,
} from '../../../src/xmpp/s2s/dialback.ts'

export function domain(text: string): Domain {
  const parsed = parseDomain(text)
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`)
  return parsed.value
}
export const party = (text: string): Party => ({ domain: domain(text), text })

export const resultRequest = (from: string, to: string, key = 'k3y'): ResultRequest => ({
  element: 'result',
  kind: 'request',
  from: party(from),
  to: party(to),
  key,
})
export const resultAnswer = (from: string, to: string, verdict: Verdict): ResultAnswer => ({
  element: 'result',
  kind: 'answer',
  from: party(from),
  to: party(to),
  verdict,
})
export const verifyRequest = (from: string, to: string, id: string, key = 'k3y'): VerifyRequest => ({
  element: 'verify',
  kind: 'request',
  from: party(from),
  to: party(to),
  id,
  key,
})
export const verifyAnswerOf = (from: string, to: string, id: string, verdict: Verdict): VerifyAnswer => ({
  element: 'verify',
  kind: 'answer',
  from: party(from),
  to: party(to),
  id,
  verdict,
})
export const VALID: Verdict = { type: 'valid' }
export const INVALID: Verdict = { type: 'invalid' }
