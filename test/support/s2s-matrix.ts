import { selfSigned } from './certificates.ts'
import type { TlsIdentity } from './identity.ts'
import { OLD_INITIATING, OLD_RECEIVING } from './s2s-old-peer.ts'
import type { Initiating, Outcome, Receiving, Way } from './s2s-roles.ts'

/**
 * The 18 rows of TLS, SASL and dialback against scripted peers of six kinds. A row is written as the letters of TLS and SASL
 * (Required, Optional, Not supported) and `+` or `-` for dialback.
 */
export interface PeerKind {
  /** How the peer takes a stream, when the gateway opens it. */
  readonly receiving: Receiving
  /** How it opens one to the gateway. */
  readonly initiating: Initiating
  readonly identity: 'believed' | 'self-signed' | 'none'
}

export const PEER_KINDS = {
  everything: { receiving: {}, initiating: {}, identity: 'believed' },
  nothing: {
    receiving: { external: 'absent', dialback: [] },
    initiating: { starttls: 'never', external: 'never', dialback: [] },
    identity: 'none',
  },
  certificate: {
    receiving: { starttls: 'required', dialback: [] },
    initiating: { requiresTls: true, dialback: [] },
    identity: 'believed',
  },
  'tls-dialback': {
    receiving: { starttls: 'required', external: 'absent', dialback: ['tls'] },
    initiating: { requiresTls: true, external: 'never', dialback: ['tls'] },
    identity: 'self-signed',
  },
  'tcp-dialback': {
    receiving: { external: 'absent', dialback: ['clear'] },
    initiating: { starttls: 'never', external: 'never', dialback: ['clear'] },
    identity: 'none',
  },
  old: { receiving: OLD_RECEIVING, initiating: OLD_INITIATING, identity: 'none' },
} as const satisfies Record<string, PeerKind>

export type PeerName = keyof typeof PEER_KINDS

/** What the peer of that kind shows, in the name of its domain. */
export function identityOfKind(
  kind: PeerName,
  domain: string,
  believed: TlsIdentity,
): TlsIdentity | undefined {
  const { identity } = PEER_KINDS[kind]
  if (identity === 'none') return undefined
  if (identity === 'believed') return believed
  const { cert, key } = selfSigned({ commonName: domain, dns: [domain], purposes: ['server', 'client'] })
  return { cert, key, ca: believed.ca }
}

/**
 * S: SASL over TLS, T: dialback over TLS, C: dialback in clear; `.`: no stream comes about. Rows that are left out are invalid: no
 * provider can have them. In the order of `PEER_KINDS`, and the same in both directions.
 */
const CELLS = {
  'RR+': 'S . S . . .',
  'RR-': 'S . S . . .',
  'RO+': 'S . S T . .',
  'RO-': 'S . S . . .',
  'RN+': 'T . . T . .',
  'OR+': 'S . S T C C',
  'OR-': 'S . S . . .',
  'OO+': 'S . S T C C',
  'OO-': 'S . S . . .',
  'ON+': 'T . . T C C',
  'NR+': 'C . . . C C',
  'NO+': 'C . . . C C',
  'NN+': 'C . . . C C',
} as const

export type Row = keyof typeof CELLS

/** Rows without any way to prove a domain. */
export const INVALID_ROWS = ['RN-', 'ON-', 'NR-', 'NO-', 'NN-'] as const

const REQUIREMENTS = { R: 'required', O: 'optional', N: 'unsupported' } as const

/** A row as the settings of a provider. */
export function settingsOf(row: Row | (typeof INVALID_ROWS)[number]) {
  const [tls, sasl, dialback] = row as unknown as [
    keyof typeof REQUIREMENTS,
    keyof typeof REQUIREMENTS,
    string,
  ]
  return { tls: REQUIREMENTS[tls], sasl: REQUIREMENTS[sasl], dialback: dialback === '+' }
}

const WAYS = { S: 'sasl-tls', T: 'tls-dialback', C: 'tcp-dialback' } as const satisfies Record<string, Way>

export interface Cell {
  readonly row: Row
  readonly peer: PeerName
  /** How the peer sees the stream proved; undefined: none comes about. */
  readonly way: Way | undefined
}

export const MATRIX: readonly Cell[] = Object.entries(CELLS).flatMap(([row, letters]) =>
  letters.split(' ').map((letter, at) => ({
    row: row as Row,
    peer: Object.keys(PEER_KINDS)[at] as PeerName,
    way: letter === '.' ? undefined : WAYS[letter as keyof typeof WAYS],
  })),
)

/** A scripted peer as the row has it: what the gateway is expected to be, played by us. */
export function peerOfRow(row: Row): Omit<PeerKind, 'identity'> {
  const ways = new Set(row in CELLS ? acceptedBy(row) : [])
  const tls = ways.has('sasl-tls') || ways.has('tls-dialback')
  const dialback = [
    ...(ways.has('tls-dialback') ? (['tls'] as const) : []),
    ...(ways.has('tcp-dialback') ? (['clear'] as const) : []),
  ]
  const clear = ways.has('tcp-dialback')
  return {
    receiving: {
      starttls: tls ? (clear ? 'offered' : 'required') : 'absent',
      external: ways.has('sasl-tls') ? 'if-proved' : 'absent',
      dialback,
    },
    initiating: {
      starttls: tls ? 'if-offered' : 'never',
      requiresTls: !clear,
      external: ways.has('sasl-tls') ? 'if-offered' : 'never',
      dialback,
    },
  }
}

/** Everything that some peer gets by on that row. */
const acceptedBy = (row: Row): readonly Way[] =>
  MATRIX.flatMap((cell) => (cell.row === row && cell.way !== undefined ? [cell.way] : []))

/** An outcome as a cell tells it. */
export const wayOf = (outcome: Outcome): Way | undefined =>
  outcome.kind === 'established' ? outcome.way : undefined
