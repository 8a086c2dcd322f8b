import type { Case } from './case.ts'
import type { Level, Mark } from './model.ts'
import { pass, refuse, skip } from './step.ts'
import type { Step } from './verdict.ts'

/** What a level makes of a sender by the mark of its user: everybody of its kind, or contacts only. */
export const TREATMENT = {
  verified: { verified: 'all', unverified: 'contacts', absent: 'contacts' },
  contacts: { verified: 'contacts', unverified: 'contacts', absent: 'contacts' },
  all: { verified: 'all', unverified: 'all', absent: 'all' },
} as const satisfies Record<Level, Record<Mark | 'absent', 'all' | 'contacts'>>

/** What a level makes of what a peer says of its user: the mark that goes inside. */
export const markBy = (level: Level | undefined, asserted: Mark | 'absent'): Mark =>
  level !== undefined && TREATMENT[level][asserted] === 'all' ? 'verified' : 'unverified'

/** The mark that the request carries on inside. */
export function markOf(c: Case): Mark {
  if (c.direction === 'outbound') return c.asserted === 'absent' ? 'unverified' : c.asserted
  return markBy(c.standing.level, c.asserted)
}

const OUTBOUND = skip('level', 'levels are for what comes in')
const ON_ALLOW_LIST = pass('level', 'the sender is on the recipient’s Allow list')
const WITHIN = pass('level', 'within a dialog that was admitted when it began')
const LEFT_TO_HOME = pass('level', 'contacts only; left to the home server, which gets the mark unverified')
const NOT_A_CONTACT = refuse('not-a-contact', 'contacts only, and the sender is not on the Allow list')
const CONTACTS_ONLY = refuse(
  'privacy-contacts-only',
  'the recipient admits only contacts, and the sender is not on the Allow list',
)
const ALL = pass('level', 'level all: delivered')
const VERIFIED = pass('level', 'level verified, and the peer vouches for its user: delivered')

/** One rule for all kinds: what a stranger may not say, it may not see either. */
export function level(c: Case): Step {
  if (c.direction === 'outbound') return OUTBOUND
  const { subject, standing } = c
  if (subject.list === 'allow') return ON_ALLOW_LIST
  if (c.request.within === true) return WITHIN
  if (subject.privacy.contactsOnly) return CONTACTS_ONLY
  if (markOf(c) === 'verified') return standing.level === 'all' ? ALL : VERIFIED
  const home = c.snapshot.homes.get(subject.home ?? c.served?.home ?? '')
  return home?.enforce === 'home' ? LEFT_TO_HOME : NOT_A_CONTACT
}
