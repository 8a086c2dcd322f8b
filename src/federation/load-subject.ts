import type { Address } from './address.ts'
import { type ContactIndex, findEntry } from './contact-index.ts'
import { providerOf } from './lookup.ts'
import type { PolicyFlags, ServedDomain, User } from './model.ts'
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

/** The subject from the rows of the snapshot itself. */
export function loadSubject(snapshot: Snapshot, request: RequestFacts): Subject {
  const inbound = snapshot.servedDomains.get(request.to.domain)
  const served = inbound ?? snapshot.servedDomains.get(request.from.domain)
  if (served === undefined) return NOBODY
  const [own, remote] = inbound === undefined ? [request.from, request.to] : [request.to, request.from]
  return subjectOf(
    served,
    snapshot.users.get(own.domain)?.get(own.user),
    snapshot.contacts.get(own.domain)?.get(own.user),
    undefined,
    remote,
    providerOf(snapshot, remote.domain)?.name,
  )
}

/** Puts a subject together, whatever the source of its parts. */
export function subjectOf(
  served: ServedDomain,
  user: User | undefined,
  contacts: ContactIndex | undefined,
  policy: PolicyFlags | undefined,
  remote: Address,
  provider: string | undefined,
): Subject {
  const block = contacts === undefined ? undefined : findEntry(contacts.block, remote, provider)
  const allow =
    contacts === undefined || block !== undefined ? undefined : findEntry(contacts.allow, remote, provider)
  return {
    exists: user !== undefined ? 'yes' : served.users === 'listed' ? 'no' : 'unknown',
    enabled: user === undefined || (user.enabled && !user.suspended),
    policy,
    privacy: user?.privacy ?? OPEN,
    list: block !== undefined ? 'block' : allow !== undefined ? 'allow' : 'none',
    entry: block ?? allow,
    home: user?.home,
  }
}
