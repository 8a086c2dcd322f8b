import type { Address } from './address.ts'
import { type ContactIndex, findEntry } from './contact-index.ts'
import { providerOf } from './lookup.ts'
import type { ContactEntry, ServedDomain, User } from './model.ts'
import { effectivePolicy, type Grant } from './policies.ts'
import type { RequestFacts } from './request.ts'
import type { Snapshot } from './snapshot.ts'
import type { Subject } from './subject.ts'

const OPEN = Object.freeze({ contactsOnly: false, hideNotes: false })

/** The subject of a request that has no served side; `decide` refuses such a request before it looks. */
const NOBODY: Subject = Object.freeze({
  exists: 'unknown',
  enabled: true,
  policy: undefined,
  privacy: OPEN,
  list: 'none',
  entry: undefined,
  home: undefined,
})

/** What another source than the snapshot knows of the served user. */
export interface UserRecord {
  readonly user: User | undefined
  readonly contacts: ContactIndex | undefined
}

/** Whose place on which list a request asks about; undefined: it has no served side. */
export interface SubjectQuestion {
  readonly served: ServedDomain
  readonly own: Address
  readonly remote: Address
  /** The one that owns the remote domain. */
  readonly provider: string | undefined
}

export function questionOf(
  snapshot: Snapshot,
  request: Pick<RequestFacts, 'from' | 'to'>,
): SubjectQuestion | undefined {
  const inbound = snapshot.servedDomains.get(request.to.domain)
  const served = inbound ?? snapshot.servedDomains.get(request.from.domain)
  if (served === undefined) return undefined
  const own = inbound === undefined ? request.from : request.to
  const remote = inbound === undefined ? request.to : request.from
  return { served, own, remote, provider: providerOf(snapshot, remote.domain)?.name }
}

/**
 * The subject from the rows of the snapshot, and from those of the store where there are some: a user's row in the
 * snapshot goes before the store's, contact entries are those of both.
 * @param now milliseconds since the Unix epoch; entries that have expired by then do not count
 */
export function loadSubject(
  snapshot: Snapshot,
  request: Pick<RequestFacts, 'from' | 'to'>,
  now: number,
  stored?: UserRecord,
): Subject {
  const question = questionOf(snapshot, request)
  if (question === undefined) return NOBODY
  const { served, own, remote, provider } = question
  const user = snapshot.users.get(own.domain)?.get(own.user) ?? stored?.user
  const first = snapshot.contacts.get(own.domain)?.get(own.user)
  const second = stored?.contacts
  const block = entryOf('block', first, second, remote, provider, now)
  const allow = block === undefined ? entryOf('allow', first, second, remote, provider, now) : undefined
  return subjectOf(served, user, effectivePolicy(user, snapshot.policies), block, allow)
}

function entryOf(
  side: 'allow' | 'block',
  first: ContactIndex | undefined,
  second: ContactIndex | undefined,
  remote: Address,
  provider: string | undefined,
  now: number,
): ContactEntry | undefined {
  return (
    (first === undefined ? undefined : findEntry(first[side], remote, provider, now)) ??
    (second === undefined ? undefined : findEntry(second[side], remote, provider, now))
  )
}

const subjectOf = (
  served: ServedDomain,
  user: User | undefined,
  policy: Grant | undefined,
  block: ContactEntry | undefined,
  allow: ContactEntry | undefined,
): Subject => ({
  exists: user !== undefined ? 'yes' : served.users === 'listed' ? 'no' : 'unknown',
  enabled: user === undefined || (user.enabled && !user.suspended),
  policy,
  privacy: user?.privacy ?? OPEN,
  list: block !== undefined ? 'block' : allow !== undefined ? 'allow' : 'none',
  entry: block ?? allow,
  home: user?.home,
})
