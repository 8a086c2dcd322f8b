import type { ContactEntry, Privacy } from './model.ts'
import type { Grant } from './policies.ts'

/** What is known of the served user and of the stranger's place on its contact list; loaded before deciding. */
export interface Subject {
  /** `unknown`: the home server of the domain knows, we do not. */
  readonly exists: 'yes' | 'no' | 'unknown'
  readonly enabled: boolean
  /** The winning policy, whole; undefined: policies are not in use. */
  readonly policy: Grant | undefined
  readonly privacy: Privacy
  /** Where the remote side stands; a block wins over an allow. */
  readonly list: 'allow' | 'block' | 'none'
  /** The entry that put it there. */
  readonly entry: ContactEntry | undefined
  /** The user's own home server; undefined: that of its domain. */
  readonly home: string | undefined
}
