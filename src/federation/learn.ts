import type { Address } from './address.ts'
import type { ContactEntry, ContactList, Learning } from './model.ts'
import type { RequestFacts } from './request.ts'
import type { Verdict } from './verdict.ts'

/** What became of a request that was let through. */
export type LearningOutcome = 'delivered' | 'failed'

/** What leaves a contact entry behind: a word to somebody, or the wish to see somebody. */
const TELLING = {
  message: true,
  presence: true,
  session: false,
  query: false,
} as const satisfies Record<RequestFacts['kind'], boolean>

/**
 * Does this request put its recipient on the sender's Allow list? Only the user's own outgoing message or subscription
 * does, permitted and successful. What comes in never does: a stranger cannot let itself in.
 * @param automatic no person sent it: a notice, an auto-reply, a notification, the refresh or end of a subscription
 */
export const learns = (
  request: Pick<RequestFacts, 'kind'>,
  verdict: Pick<Verdict, 'outcome' | 'direction'>,
  outcome: LearningOutcome,
  automatic: boolean,
  learning: Pick<Learning, 'enabled'>,
): boolean =>
  learning.enabled &&
  !automatic &&
  outcome === 'delivered' &&
  verdict.outcome === 'deliver' &&
  verdict.direction === 'outbound' &&
  TELLING[request.kind]

/** An entry is written again once this part of its life is over: not with every message. */
const RENEWAL = 1 / 10

/**
 * The list with the entry learned, or the same list if it says so already. An entry by the user or an administrator is
 * left as it is. What has expired goes, and so do the learned entries nearest to their end when there are too many.
 * @param now milliseconds since the Unix epoch
 */
export function withLearned(
  list: ContactList,
  remote: Address,
  now: number,
  { lifetime, perUser }: Pick<Learning, 'lifetime' | 'perUser'>,
): ContactList {
  const known = list.allow.find(({ match }) => match.kind === 'address' && same(match.address, remote))
  const left = known?.expires === undefined ? Number.POSITIVE_INFINITY : known.expires - now
  if (known !== undefined && (known.by !== 'learned' ? left > 0 : left > lifetime * (1 - RENEWAL)))
    return list

  const entry: ContactEntry = {
    match: { kind: 'address', address: remote },
    by: 'learned',
    expires: now + lifetime,
  }
  const others = list.allow.filter((each) => each !== known && !(each.by === 'learned' && over(each, now)))
  const learned = others.filter((each) => each.by === 'learned').sort((a, b) => endOf(a) - endOf(b))
  const tooMany = new Set(learned.slice(0, Math.max(0, learned.length + 1 - perUser)))
  return { ...list, allow: [...others.filter((each) => !tooMany.has(each)), entry] }
}

const same = (a: Address, b: Address): boolean => a.user === b.user && a.domain === b.domain

const endOf = (entry: ContactEntry): number => entry.expires ?? Number.POSITIVE_INFINITY

const over = (entry: ContactEntry, now: number): boolean => endOf(entry) <= now
