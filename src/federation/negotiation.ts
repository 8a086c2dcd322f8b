import type { Negotiation, Requirement } from './model.ts'

/** Of a provider that says nothing of it, and of a domain without a provider. */
export const DEFAULT_NEGOTIATION: Negotiation = Object.freeze({
  tls: 'required',
  sasl: 'optional',
  dialback: true,
  dialbackOverTls: 'unverified',
  keepAlive: 300_000,
  connections: 20,
})

/** A way to prove a domain on an S2S stream: SASL EXTERNAL over TLS (XEP-0178), dialback over TLS, dialback in clear (XEP-0220). */
export type Authentication = 'sasl-tls' | 'tls-dialback' | 'tcp-dialback'

export interface NegotiationCheck {
  /** What an S2S stream of the provider may prove its domain by; nothing where the row is invalid. */
  readonly accepted: readonly Authentication[]
  readonly warnings: readonly string[]
  /** Why such a row cannot be; absent: it can. */
  readonly invalid?: string
}

const IDLE_DIALBACK = 'dialback is on, but never used: TLS and SASL are required'
const CLEAR_SASL = 'TLS is optional, and SASL needs it: a stream without TLS ends in dialback or nowhere'
const NEEDS_TLS =
  'TLS is optional, but without dialback only SASL over TLS is left: a peer without TLS is refused'
const CLEAR_TEXT = 'TLS is optional: a stream may be in clear, and be proved by dialback alone'
const SASL_IDLE = 'SASL is never used, since it needs TLS: streams are in clear, and proved by dialback alone'

const NO_TLS_NO_DIALBACK =
  'SASL needs TLS, which is unsupported, and dialback is off: no stream could be proved'
const NOTHING_LEFT = 'SASL is unsupported and dialback is off: no stream could be proved'

const good = (...accepted: Authentication[]): NegotiationCheck => ({ accepted, warnings: [] })
const warned = (warning: string, ...accepted: Authentication[]): NegotiationCheck => ({
  accepted,
  warnings: [warning],
})
const bad = (invalid: string): NegotiationCheck => ({ accepted: [], warnings: [], invalid })

/** By TLS, SASL and dialback. */
const MATRIX = {
  required: {
    required: { on: warned(IDLE_DIALBACK, 'sasl-tls'), off: good('sasl-tls') },
    optional: { on: good('sasl-tls', 'tls-dialback'), off: good('sasl-tls') },
    unsupported: { on: good('tls-dialback'), off: bad(NOTHING_LEFT) },
  },
  optional: {
    required: {
      on: warned(CLEAR_SASL, 'sasl-tls', 'tls-dialback', 'tcp-dialback'),
      off: warned(NEEDS_TLS, 'sasl-tls'),
    },
    optional: {
      on: warned(CLEAR_TEXT, 'sasl-tls', 'tls-dialback', 'tcp-dialback'),
      off: warned(NEEDS_TLS, 'sasl-tls'),
    },
    unsupported: { on: good('tls-dialback', 'tcp-dialback'), off: bad(NOTHING_LEFT) },
  },
  unsupported: {
    required: { on: warned(SASL_IDLE, 'tcp-dialback'), off: bad(NO_TLS_NO_DIALBACK) },
    optional: { on: warned(SASL_IDLE, 'tcp-dialback'), off: bad(NO_TLS_NO_DIALBACK) },
    unsupported: { on: good('tcp-dialback'), off: bad(NOTHING_LEFT) },
  },
} as const satisfies Record<Requirement, Record<Requirement, Record<'on' | 'off', NegotiationCheck>>>

/** What a combination of TLS, SASL and dialback comes to. Total: every one of the 18 has its answer. */
export const negotiationCheck = (row: Pick<Negotiation, 'tls' | 'sasl' | 'dialback'>): NegotiationCheck =>
  MATRIX[row.tls][row.sasl][row.dialback ? 'on' : 'off']
