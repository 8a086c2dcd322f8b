/** How long presence waits, and what it may cost: `presence` of the configuration. Durations are milliseconds, sizes octets. */
export interface PresenceSettings {
  /** Expires of our SUBSCRIBE. */
  readonly expires: number
  /** What a SIP watcher asks for and is less gets 423 (RFC 6665 §4.2.1.1). */
  readonly shortest: number
  /** What a SIP watcher asks for and is more is shortened to this. */
  readonly longest: number
  /** Between a NOTIFY to a watcher and the next that tells of a changed state (RFC 3856 §6.10). */
  readonly interval: number
  /** How long somebody waits for a decision: a SIP watcher, then `terminated;reason=giveup`; an XMPP user, then `unsubscribed`. */
  readonly giveUp: number
  /** Until a subscription that was lost is tried again: doubles up to `longest`. */
  readonly retry: { readonly first: number; readonly longest: number }
  /** Subscriptions that are refreshed, and states that are asked for, in a second: after a start, and once a link is back. */
  readonly resume: number
  /** A link that is gone for longer makes the states of its users unknown. */
  readonly stale: number
  readonly limits: {
    /** XMPP users who watch SIP users: pairs. */
    readonly subscriptions: number
    /** Of these, of one XMPP domain, on whose requests nobody has decided. */
    readonly pending: number
    /** Dialogs of SIP users who watch XMPP users. */
    readonly watchers: number
    /** Of these, of one SIP user towards one XMPP user. */
    readonly devices: number
    /** NOTIFYs to one home server that have no answer yet; the others wait. */
    readonly notifies: number
    /** Resources or tuples of one contact. */
    readonly resources: number
    /** A document from SIP. */
    readonly document: number
    /** Texts of one state, in different languages. */
    readonly texts: number
    /** UTF-16 units of one text. */
    readonly textLength: number
  }
}
