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
 * What comes of a stream, by who opens it; in the order of `PEER_KINDS`. S: SASL over TLS, T: dialback over TLS, C: dialback in
 * clear. Small letters: the gateway refuses, with policy-violation, not-authorized or unsupported-version (its stream error, where
 * the stream is still there for one). `-`: the peer gives up, and says nothing. Rows that are left out are invalid.
 */
const CELLS = {
  'RR+': { out: 'S p S n p v', in: 'S - S n p v' },
  'RR-': { out: 'S p S n p v', in: 'S - S n p v' },
  'RO+': { out: 'S p S T p v', in: 'S - S T p v' },
  'RO-': { out: 'S p S n p v', in: 'S - S n p v' },
  'RN+': { out: 'T p n T p v', in: 'T - - T p v' },
  'OR+': { out: 'S n S T C C', in: 'S - S T C C' },
  'OR-': { out: 'S p S n p v', in: 'S - S n p v' },
  'OO+': { out: 'S n S T C C', in: 'S - S T C C' },
  'OO-': { out: 'S p S n p v', in: 'S - S n p v' },
  'ON+': { out: 'T n n T C C', in: 'T - - T C C' },
  'NR+': { out: 'C n p p C C', in: 'C - - - C C' },
  'NO+': { out: 'C n p p C C', in: 'C - - - C C' },
  'NN+': { out: 'C n p p C C', in: 'C - - - C C' },
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

const WAYS = {
  S: 'sasl-tls',
  T: 'tls-dialback',
  C: 'tcp-dialback',
} as const satisfies Record<string, Way>
const REFUSALS = {
  p: 'policy-violation',
  n: 'not-authorized',
  v: 'unsupported-version',
  '-': 'given up',
} as const

export type Expected = (typeof WAYS)[keyof typeof WAYS] | (typeof REFUSALS)[keyof typeof REFUSALS]

export interface Cell {
  readonly row: Row
  readonly peer: PeerName
  /** The gateway opens the stream. */
  readonly out: Expected
  /** The peer opens it. */
  readonly in: Expected
}

const expectedIn = (letters: string): readonly Expected[] => {
  const meaning: Readonly<Record<string, Expected>> = { ...WAYS, ...REFUSALS }
  return letters.split(' ').map((letter) => meaning[letter] as Expected)
}

export const MATRIX: readonly Cell[] = Object.entries(CELLS).flatMap(([row, cells]) => {
  const [out, inward] = [expectedIn(cells.out), expectedIn(cells.in)]
  return (Object.keys(PEER_KINDS) as PeerName[]).map((peer, at) => ({
    row: row as Row,
    peer,
    out: out[at] as Expected,
    in: inward[at] as Expected,
  }))
})

/** An outcome that the peer sees, as a cell tells it. */
export function asExpected(outcome: Outcome): string {
  if (outcome.kind === 'established') return outcome.way
  return outcome.by === 'us' ? 'given up' : outcome.condition
}

/** A scripted peer as the row has it: what the gateway is expected to be, played by us. */
export function peerOfRow(row: Row): Omit<PeerKind, 'identity'> {
  const ways = new Set<string>(MATRIX.filter((cell) => cell.row === row).map((cell) => cell.out))
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
