import { err, ok, type Result } from '../../kernel/result.ts'
import type { HeaderField, Headers } from '../headers.ts'
import { type HashName, parseAlgorithm } from './algorithm.ts'
import { type DigestChallenge, parseChallenges } from './challenge.ts'
import { type Credentials, credentialsText, type DigestRequest, type Plan } from './credentials.ts'

/** A challenge that is being answered; requests repeat it until another comes (RFC 7616 §3.6). */
export interface Session {
  readonly header: 'Authorization' | 'Proxy-Authorization'
  readonly plan: Plan
  /** The same for the whole session, as the `-sess` algorithms need it. */
  readonly cnonce: string
  /** Requests that have gone with this nonce. */
  readonly count: number
}

/** What has become of one request so far. */
export interface Attempt {
  /** The nonces that went with it, by `keyOf`. */
  readonly sent: ReadonlyMap<string, ReadonlySet<string>>
  /** Where a challenge to this very request has been answered. */
  readonly answered: ReadonlySet<string>
  readonly rounds: number
}

export const NEW_ATTEMPT: Attempt = { sent: new Map(), answered: new Set(), rounds: 0 }

/**
 * Why a challenge is not answered. `rejected`: the credentials were refused, and must not be sent again (RFC 3261
 * §22.1). `too-many`: the peer challenges without end. `malformed`, `no-challenge`: it did not say how.
 */
export type Refusal =
  | 'no-challenge'
  | 'malformed'
  | 'unsupported'
  | 'no-credentials'
  | 'rejected'
  | 'too-many'

export interface AnswerPolicy {
  readonly credentials: readonly Credentials[]
  readonly hashes: readonly HashName[]
  /** How often one request is sent with credentials. */
  readonly rounds: number
}

/** The header fields for the next sending of a request; the sessions have one request more then. */
export function authorize(
  sessions: readonly Session[],
  attempt: Attempt,
  request: DigestRequest,
  policy: AnswerPolicy,
): {
  readonly fields: readonly HeaderField[]
  readonly sessions: readonly Session[]
  readonly attempt: Attempt
} {
  const fields: HeaderField[] = []
  const used: Session[] = []
  const sent = new Map(attempt.sent)
  for (const session of sessions) {
    const { challenge } = session.plan
    const credentials = credentialsFor(challenge.realm, policy)
    if (credentials === undefined) continue
    const next = { ...session, count: session.count + 1 }
    const key = keyOf(session.header, challenge.realm)
    sent.set(key, new Set([...(sent.get(key) ?? []), challenge.nonce]))
    fields.push([session.header, credentialsText(session.plan, credentials, request, next)])
    used.push(next)
  }
  return { fields, sessions: used, attempt: { ...attempt, sent } }
}

/**
 * What a 401 or 407 changes: for each realm the first challenge that we can answer replaces the session (RFC 8760
 * §2.4). Both header fields count in both, since a forking proxy collects them (RFC 3261 §22.3).
 */
export function challenged(
  sessions: readonly Session[],
  attempt: Attempt,
  headers: Headers,
  policy: AnswerPolicy,
  newCnonce: () => string,
): Result<{ readonly sessions: readonly Session[]; readonly attempt: Attempt }, Refusal> {
  if (attempt.rounds >= policy.rounds) return err('too-many')
  const { plans, failure } = plansOf(headers, policy)
  if (plans.size === 0) return err(failure)
  const answered = new Set(attempt.answered)
  const next = new Map(
    sessions.map((session) => [keyOf(session.header, session.plan.challenge.realm), session]),
  )
  for (const [key, { header, plan }] of plans) {
    const { nonce, stale } = plan.challenge
    // A nonce that has just been refused is not answered again, and neither is a refusal that is not about the nonce.
    if (attempt.sent.get(key)?.has(nonce) || (answered.has(key) && !stale)) return err('rejected')
    answered.add(key)
    // Servers give one nonce to requests that come at the same time: it goes on counting.
    const known = next.get(key)
    if (known?.plan.challenge.nonce === nonce) next.set(key, { ...known, plan })
    else next.set(key, { header, plan, cnonce: newCnonce(), count: 0 })
  }
  return ok({
    sessions: [...next.values()],
    attempt: { ...attempt, answered, rounds: attempt.rounds + 1 },
  })
}

const FIELDS = [
  ['WWW-Authenticate', 'Authorization'],
  ['Proxy-Authenticate', 'Proxy-Authorization'],
] as const

/** Header field lines that are read. */
const MOST_LINES = 10

type Plans = Map<string, { readonly header: Session['header']; readonly plan: Plan }>

/** The first usable challenge of each realm, and what stood in the way of the others. */
function plansOf(headers: Headers, policy: AnswerPolicy): { plans: Plans; failure: Refusal } {
  const plans: Plans = new Map()
  let failure: Refusal = 'no-challenge'
  for (const [from, header] of FIELDS)
    for (const line of headers.all(from).slice(0, MOST_LINES)) {
      const challenges = parseChallenges(line)
      if (!challenges.ok) {
        failure = worse(failure, 'malformed')
        continue
      }
      for (const challenge of challenges.value) {
        const plan = challenge.scheme === 'digest' ? planOf(challenge, policy) : undefined
        if (plan === undefined) failure = worse(failure, 'unsupported')
        else if (credentialsFor(plan.challenge.realm, policy) === undefined)
          failure = worse(failure, 'no-credentials')
        else {
          const key = keyOf(header, plan.challenge.realm)
          if (!plans.has(key)) plans.set(key, { header, plan })
        }
      }
    }
  return { plans, failure }
}

/** Which reason tells most, the last one. */
const TELLING: readonly Refusal[] = ['no-challenge', 'malformed', 'unsupported', 'no-credentials']
const worse = (one: Refusal, other: Refusal): Refusal =>
  TELLING.indexOf(other) > TELLING.indexOf(one) ? other : one

function planOf(challenge: DigestChallenge, policy: AnswerPolicy): Plan | undefined {
  const algorithm = parseAlgorithm(challenge.algorithm)
  if (algorithm === undefined || !policy.hashes.includes(algorithm.hash)) return undefined
  // The key of a session holds the client nonce, which cannot be sent without qop (RFC 3261 §22.4).
  if (challenge.qop === undefined)
    return algorithm.session ? undefined : { challenge, algorithm, qop: undefined }
  const qop = (['auth', 'auth-int'] as const).find((option) => challenge.qop?.includes(option))
  return qop === undefined ? undefined : { challenge, algorithm, qop }
}

const keyOf = (header: Session['header'], realm: string): string => `${header} ${realm}`

const credentialsFor = (realm: string, policy: AnswerPolicy): Credentials | undefined =>
  policy.credentials.find((credentials) => credentials.realm === realm)
