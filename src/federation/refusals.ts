import type { StepName } from './verdict.ts'

/** What a peer gets to hear. Few of them, so that a stranger learns little. */
export const ANSWERS = {
  'not-permitted': {
    text: 'Not permitted',
    sipStatus: 403,
    condition: 'forbidden',
    type: 'auth',
    retryable: false,
  },
  'not-permitted-or-unknown': {
    text: 'Not permitted, or no such user',
    sipStatus: 403,
    condition: 'forbidden',
    type: 'auth',
    retryable: false,
  },
  'no-such-domain': {
    text: 'Domain not reachable from here',
    sipStatus: 404,
    condition: 'remote-server-not-found',
    type: 'cancel',
    retryable: false,
  },
  'try-later': {
    text: 'Too much at once, try later',
    sipStatus: 503,
    condition: 'resource-constraint',
    type: 'wait',
    retryable: true,
  },
} as const satisfies Record<string, OutsideAnswer>

/** `sipStatus` for a SIP peer, `condition` and `type` (RFC 6120 §8.3) for an XMPP peer. */
export interface OutsideAnswer {
  readonly text: string
  readonly sipStatus: 403 | 404 | 503
  readonly condition: 'forbidden' | 'remote-server-not-found' | 'resource-constraint'
  readonly type: 'auth' | 'cancel' | 'wait'
  readonly retryable: boolean
}

interface RefusalRow {
  readonly step: StepName
  readonly answer: keyof typeof ANSWERS
  /** For our own people: what it means and what to do. */
  readonly meaning: string
}

/**
 * Every reason for a refusal, a stable code, with the step that gives it and the answer that the peer gets. What
 * depends on the served user has one answer: a peer cannot tell a missing user from one who will not hear it.
 */
export const REFUSALS = {
  'no-transit': {
    step: 'sides',
    answer: 'not-permitted',
    meaning: 'Neither side is a served domain. Serve one of them, or send it elsewhere.',
  },
  'both-served': {
    step: 'sides',
    answer: 'not-permitted',
    meaning: 'Both sides are served domains. That is for the home servers; it is no federation.',
  },
  'federation-off': {
    step: 'switches',
    answer: 'not-permitted',
    meaning: 'Federation as a whole is switched off.',
  },
  'sip-off': { step: 'switches', answer: 'not-permitted', meaning: 'The switch for SIP partners is off.' },
  'public-im-off': {
    step: 'switches',
    answer: 'not-permitted',
    meaning: 'The switch for public providers is off.',
  },
  'xmpp-off': { step: 'switches', answer: 'not-permitted', meaning: 'The switch for XMPP is off.' },
  'domain-blocked': {
    step: 'blocked-domains',
    answer: 'not-permitted',
    meaning: 'The remote domain, or one above it, is on the list of blocked domains.',
  },
  'provider-disabled': {
    step: 'provider',
    answer: 'not-permitted',
    meaning: 'The provider of the remote domain is disabled.',
  },
  suspended: {
    step: 'provider',
    answer: 'not-permitted',
    meaning: 'A row that the request needs is suspended (emergency stop).',
  },
  'domain-unknown': {
    step: 'provider',
    answer: 'no-such-domain',
    meaning: 'No provider owns the remote domain, it is not allowed, and open discovery is off.',
  },
  'domain-not-proved': {
    step: 'domain-proof',
    answer: 'not-permitted',
    meaning: 'The peer did not prove that it may speak for the domain of the sender.',
  },
  'wrong-link': {
    step: 'domain-proof',
    answer: 'not-permitted',
    meaning: 'The remote domain is bound to another link than the one the request came over.',
  },
  'link-not-for-domain': {
    step: 'domain-proof',
    answer: 'not-permitted',
    meaning: 'The link is not among those that may carry the served domain.',
  },
  'user-unknown': {
    step: 'user',
    answer: 'not-permitted-or-unknown',
    meaning: 'The served user does not exist: its domain is one of listed users, and it has no row.',
  },
  'user-disabled': {
    step: 'user',
    answer: 'not-permitted-or-unknown',
    meaning: 'The served user is disabled or suspended, or its home server is suspended.',
  },
  'policy-denies': {
    step: 'policy',
    answer: 'not-permitted-or-unknown',
    meaning: 'The served user’s policy does not grant what the provider needs.',
  },
  'contact-blocked': {
    step: 'block-list',
    answer: 'not-permitted-or-unknown',
    meaning: 'The remote side is on the block list of the served user.',
  },
  'too-many-messages': {
    step: 'limits',
    answer: 'try-later',
    meaning: 'The peer sends more messages per second than its limit.',
  },
  'too-many-contacts': {
    step: 'limits',
    answer: 'try-later',
    meaning: 'The peer has addressed more distinct users than its limit.',
  },
  'not-a-contact': {
    step: 'level',
    answer: 'not-permitted-or-unknown',
    meaning: 'The level admits only senders on the recipient’s Allow list, and this one is not there.',
  },
  'privacy-contacts-only': {
    step: 'level',
    answer: 'not-permitted-or-unknown',
    meaning: 'The recipient admits only contacts, and the sender is not on the Allow list.',
  },
} as const satisfies Record<string, RefusalRow>

export type RefusalReason = keyof typeof REFUSALS

export const answerOf = (reason: RefusalReason): OutsideAnswer => ANSWERS[REFUSALS[reason].answer]
