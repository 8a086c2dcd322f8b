import { describe, expect, test } from 'vitest'
import {
  type Accepted,
  externalPolicy,
  type Initiator,
  keyPolicy,
  keyProof,
  nextStep,
  type Offer,
  offerTo,
  REFUSALS,
  type Receiver,
  type StreamProof,
} from '../../../src/xmpp/s2s/negotiation.ts'
import { RECEIVING, REFUSAL_OF, ROWS, waysOf } from './matrix.ts'

const LETTER_OF = Object.fromEntries(Object.entries(REFUSAL_OF).map(([letter, reason]) => [reason, letter]))

const clear = (facts: Partial<Receiver>): Receiver => ({
  version: true,
  tls: false,
  starttls: 'absent',
  certificate: 'absent',
  external: 'absent',
  dialback: true,
  bidi: false,
  ...facts,
})
const secure = (facts: Partial<Receiver>): Receiver => clear({ tls: true, certificate: 'match', ...facts })

const RECEIVERS: Readonly<Record<string, Receiver>> = {
  'old peer': clear({ version: false }),
  'old peer, no dialback': clear({ version: false, dialback: false }),
  'no STARTTLS': clear({}),
  'no STARTTLS, no dialback': clear({ dialback: false }),
  'STARTTLS offered': clear({ starttls: 'offered' }),
  'STARTTLS required': clear({ starttls: 'required' }),
  'STARTTLS failed before': clear({ starttls: 'failed' }),
  'match, EXTERNAL, dialback': secure({ external: 'offered' }),
  'match, EXTERNAL': secure({ external: 'offered', dialback: false }),
  'match, dialback': secure({}),
  'match, EXTERNAL failed, dialback': secure({ external: 'failed' }),
  'match, EXTERNAL failed': secure({ external: 'failed', dialback: false }),
  'mismatch, EXTERNAL, dialback': secure({ certificate: 'mismatch', external: 'offered' }),
  'mismatch, EXTERNAL': secure({ certificate: 'mismatch', external: 'offered', dialback: false }),
  'no certificate, dialback': secure({ certificate: 'absent' }),
  'old peer over TLS': secure({ version: false }),
}

/** S: STARTTLS, E: EXTERNAL, T: dialback over TLS, C: dialback in clear; small letters: refused. In the order of `RECEIVERS`. */
const INITIATING = {
  'RR+': 'o o S S S S n E E x y y c c c x',
  'RR-': 'o o S S S S n E E x y y c c c x',
  'RO+': 'o o S S S S n E E T T d T d T T',
  'RO-': 'o o S S S S n E E x y y c c c x',
  'RN+': 'o o S S S S n T d T T d T d T T',
  'RN-': '0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0',
  'OR+': 'C d C S S S C E E T T d T d T T',
  'OR-': 'o o S S S S n E E x y y c c c x',
  'OO+': 'C d C S S S C E E T T d T d T T',
  'OO-': 'o o S S S S n E E x y y c c c x',
  'ON+': 'C d C S S S C T d T T d T d T T',
  'ON-': '0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0',
  'NR+': 'C d C d C u C u u u u u u u u u',
  'NR-': '0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0',
  'NO+': 'C d C d C u C u u u u u u u u u',
  'NO-': '0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0',
  'NN+': 'C d C d C u C u u u u u u u u u',
  'NN-': '0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0',
} as const

test('all 18 rows are in the table', () => expect(Object.keys(INITIATING)).toEqual(ROWS))

describe('what the initiating server does next', () => {
  const cells = Object.entries(INITIATING).flatMap(([row, letters]) =>
    letters.split(' ').map((letter, at) => [row, Object.keys(RECEIVERS)[at] as string, letter] as const),
  )
  test('every cell is there', () => expect(cells.length).toBe(18 * Object.keys(RECEIVERS).length))

  test.for(cells)('%s, %s: %s', ([row, name, letter]) => {
    const peer = RECEIVERS[name] as Receiver
    for (const bidi of [false, true]) {
      const step = nextStep(waysOf(row), { ...peer, bidi })
      switch (letter) {
        case 'S':
          expect(step).toEqual({ kind: 'starttls' })
          break
        case 'E':
          expect(step).toEqual({
            kind: 'external',
            bidi,
            proof: { certificate: 'match', dialback: 'not-tried', tls: true },
          })
          break
        case 'T':
          expect(step).toEqual({
            kind: 'dialback',
            bidi,
            proof: { certificate: peer.certificate, dialback: 'valid', tls: true },
          })
          break
        case 'C':
          expect(step).toEqual({
            kind: 'dialback',
            bidi,
            proof: { certificate: 'absent', dialback: 'valid', tls: false },
          })
          break
        default:
          expect(step).toEqual({ kind: 'refuse', reason: REFUSAL_OF[letter] })
      }
    }
  })
})

const initiator = (tls: boolean, certificate: Initiator['certificate'], version = true): Initiator => ({
  version,
  tls,
  certificate,
})
const INITIATORS: readonly Initiator[] = [
  initiator(false, 'absent', false),
  initiator(true, 'match', false),
  initiator(false, 'absent'),
  initiator(true, 'match'),
  initiator(true, 'mismatch'),
  initiator(true, 'absent'),
]

const letters = (offer: Offer): string => {
  if (offer.kind === 'refuse') return LETTER_OF[offer.reason] as string
  if (offer.kind === 'none') return '-'
  const { starttls, external, dialback, bidi } = offer
  return `${{ no: '', offered: 'S', required: 'S!' }[starttls]}${external ? 'E' : ''}${dialback ? 'D' : ''}${bidi ? 'b' : ''}`
}

describe('what the receiving server offers and takes', () => {
  test('all 18 rows', () => expect(Object.keys(RECEIVING)).toEqual(ROWS))

  test.for(Object.entries(RECEIVING))('%s: %s', ([row, wanted]) => {
    const ways = waysOf(row)
    const four = INITIATORS.slice(2)
    const keys = four.map((peer) => {
      const policy = keyPolicy(ways, peer)
      if (policy.kind === 'refuse') return policy.condition === 'policy-violation' ? 'p' : policy.condition[0]
      return policy.kind === 'vouched' ? 'V' : 'v'
    })
    const external = four.map((peer) => {
      const policy = externalPolicy(ways, peer)
      return policy.kind === 'success' ? 'y' : policy.condition[0]
    })
    const offers = INITIATORS.map((peer) => letters(offerTo(ways, peer)))
    expect([offers, keys, external].map((part) => part.join(' ')).join(' | ')).toBe(wanted)
  })

  test('every refusal of the tables has a stream error', () => {
    expect(Object.values(REFUSAL_OF).sort()).toEqual(Object.keys(REFUSALS).sort())
  })
})

test.for([
  ['certificate', initiator(true, 'match'), { certificate: 'match', dialback: 'not-tried', tls: true }],
  ['dialback', initiator(true, 'mismatch'), { certificate: 'mismatch', dialback: 'valid', tls: true }],
  ['dialback', initiator(false, 'absent'), { certificate: 'absent', dialback: 'valid', tls: false }],
] as const)('a key taken by %s of %o', ([by, peer, proof]) => expect(keyProof(by, peer)).toEqual(proof))

/** What a proof is worth, strongest first; any of them will do. */
const isAccepted = (ways: Accepted, { certificate, dialback, tls }: StreamProof): boolean =>
  (tls && certificate === 'match' && (ways.includes('sasl-tls') || ways.includes('tls-dialback'))) ||
  (dialback === 'valid' && ways.includes(tls ? 'tls-dialback' : 'tcp-dialback'))

describe('two of us, each with a row of its own', () => {
  const certificates = ['match', 'mismatch', 'absent'] as const
  const features = (
    offer: Offer & { kind: 'features' },
    shown: Initiator['certificate'],
    tls: boolean,
  ): Receiver => ({
    version: true,
    tls,
    starttls: offer.starttls === 'no' ? 'absent' : offer.starttls,
    certificate: tls ? shown : 'absent',
    external: offer.external ? 'offered' : 'absent',
    dialback: offer.dialback,
    bidi: offer.bidi,
  })

  /** Undefined: it was refused by one of them. Else what each of them has. */
  function meet(
    ours: Accepted,
    theirs: Accepted,
    our: Initiator['certificate'],
    their: Initiator['certificate'],
  ) {
    let tls = false
    for (let round = 0; round < 3; round++) {
      const seen = { version: true, tls, certificate: tls ? our : 'absent' } as const
      const offer = offerTo(theirs, seen)
      if (offer.kind === 'refuse') return undefined
      if (offer.kind === 'none') throw new Error('no features for version 1.0')
      const step = nextStep(ours, features(offer, their, tls))
      switch (step.kind) {
        case 'refuse':
          return undefined
        case 'starttls':
          // Tried though it was not offered: the other side ends the stream.
          if (offer.starttls === 'no') return undefined
          tls = true
          break
        case 'external': {
          const policy = externalPolicy(theirs, seen)
          if (policy.kind === 'failure') throw new Error('offered, and then refused')
          return { initiator: step.proof, receiver: policy.proof }
        }
        case 'dialback': {
          const policy = keyPolicy(theirs, seen)
          if (policy.kind === 'refuse') throw new Error('offered, and then refused')
          const by = policy.kind === 'vouched' ? 'certificate' : 'dialback'
          return { initiator: step.proof, receiver: keyProof(by, seen) }
        }
        default:
          return step satisfies never
      }
    }
    throw new Error('no end')
  }

  test('it ends, and whoever lets the other in has a proof that its own row accepts', () => {
    let met = 0
    for (const a of ROWS)
      for (const b of ROWS)
        for (const our of certificates)
          for (const their of certificates) {
            const outcome = meet(waysOf(a), waysOf(b), our, their)
            if (outcome === undefined) continue
            met++
            expect(isAccepted(waysOf(a), outcome.initiator), `${a} ${b} ${our} ${their}`).toBe(true)
            expect(isAccepted(waysOf(b), outcome.receiver), `${a} ${b} ${our} ${their}`).toBe(true)
          }
    expect(met).toBeGreaterThan(500)
  })

  test.for(ROWS.filter((row) => waysOf(row).length > 0))(
    '%s with itself, and good certificates, meets',
    (row) => {
      expect(meet(waysOf(row), waysOf(row), 'match', 'match')).toBeDefined()
    },
  )
})
