import type { Requirement } from '../../../src/federation/model.ts'
import { negotiationCheck } from '../../../src/federation/negotiation.ts'
import type { Accepted, Refusal } from '../../../src/xmpp/s2s/negotiation.ts'

const LETTER = { R: 'required', O: 'optional', N: 'unsupported' } as const satisfies Record<
  string,
  Requirement
>
/** The ways of a row of the matrix, written as TLS, SASL, dialback: `RO+`. */
export const waysOf = (row: string): Accepted =>
  negotiationCheck({
    tls: LETTER[row[0] as 'R'],
    sasl: LETTER[row[1] as 'R'],
    dialback: row[2] === '+',
  }).accepted
export const ROWS = ['R', 'O', 'N'].flatMap((tls) =>
  ['R', 'O', 'N'].flatMap((sasl) => [`${tls}${sasl}+`, `${tls}${sasl}-`]),
)

export const REFUSAL_OF: Readonly<Record<string, Refusal>> = {
  '0': 'nothing-accepted',
  o: 'old-peer',
  n: 'no-tls',
  u: 'tls-unwanted',
  c: 'certificate',
  x: 'no-external',
  y: 'external-failed',
  d: 'no-dialback',
}
/**
 * Offers to: an old peer, an old peer over TLS; version 1.0 in clear, matching, not matching, without a certificate. `-`: no features.
 * Then keys in clear, matching, not matching, without (V: vouched, v: verified, p: policy-violation, n: not-authorized); then
 * EXTERNAL in the same four (y: success, e: encryption-required, i: invalid-mechanism, n: not-authorized).
 */
export const RECEIVING = {
  'RR+': 'o o S! Eb c c | p n n n | e y n n',
  'RR-': 'o o S! Eb c c | p n n n | e y n n',
  'RO+': 'o - S! EDb Db Db | p V v v | e y n n',
  'RO-': 'o o S! Eb c c | p n n n | e y n n',
  'RN+': 'o - S! Db Db Db | p V v v | i i i i',
  'RN-': '0 0 0 0 0 0 | p p p p | i i i i',
  'OR+': '- - SDb EDb Db Db | v V v v | e y n n',
  'OR-': 'o o S! Eb c c | p n n n | e y n n',
  'OO+': '- - SDb EDb Db Db | v V v v | e y n n',
  'OO-': 'o o S! Eb c c | p n n n | e y n n',
  'ON+': '- - SDb Db Db Db | v V v v | i i i i',
  'ON-': '0 0 0 0 0 0 | p p p p | i i i i',
  'NR+': '- u Db u u u | v n n n | i i i i',
  'NR-': '0 0 0 0 0 0 | p p p p | i i i i',
  'NO+': '- u Db u u u | v n n n | i i i i',
  'NO-': '0 0 0 0 0 0 | p p p p | i i i i',
  'NN+': '- u Db u u u | v n n n | i i i i',
  'NN-': '0 0 0 0 0 0 | p p p p | i i i i',
} as const
