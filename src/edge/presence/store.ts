/**
 * Who watches whom. `out`: an XMPP user watches a SIP user, so that we are the subscriber (RFC 8048 §5.2); `in`: a SIP user
 * watches an XMPP user, so that we are the notifier (§5.3).
 */
export type PresenceDirection = 'out' | 'in'

/** Two people and a direction. */
export interface PresencePair {
  readonly direction: PresenceDirection
  /** The bare JID of the XMPP user. */
  readonly xmpp: string
  /** The address-of-record of the SIP user, as a URI. */
  readonly sip: string
}

/** What somebody may see, as it outlives the dialogs. */
export interface StoredAuthorization extends PresencePair {
  /** `asked`: nobody has decided yet. */
  readonly state: 'asked' | 'granted'
  /** Milliseconds since the Unix epoch: when that began. */
  readonly since: number
}

/** A SIP dialog of a pair. */
export interface StoredDialog extends PresencePair {
  /** Our tag: unique among all dialogs. */
  readonly id: string
  /** Milliseconds since the Unix epoch; behind that it is worth nothing. */
  readonly until: number
  /** JSON, of whoever wrote it. */
  readonly body: string
}

/** A part of what was kept. */
export interface StoredPresence {
  readonly authorizations: readonly StoredAuthorization[]
  readonly dialogs: readonly StoredDialog[]
}

/** Where presence outlives the process. Nothing here waits: what is given is written a moment later, the last one wins. */
export interface PresenceStore {
  /**
   * Everything that was kept, for a start: authorizations before the dialogs of their pairs, in parts of some thousand, so
   * that other work goes on in between. Dialogs that are over are left out, and deleted by and by.
   * @throws StoreFault where the store fails
   */
  loadPresence(): AsyncIterable<StoredPresence>
  keepAuthorization(authorization: StoredAuthorization): void
  /** With its dialogs. */
  dropPair(pair: PresencePair): void
  keepDialog(dialog: StoredDialog): void
  dropDialog(id: string): void
  presenceStats(): PresenceStoreStats
}

export interface PresenceStoreStats {
  readonly waiting: number
  readonly written: number
  /** Writes that the store refused; they are tried again. */
  readonly failed: number
}
