import { describe, expect, test } from 'vitest'
import { decide } from '../../src/federation/decide.ts'
import type { Requirement } from '../../src/federation/model.ts'
import { type Authentication, negotiationCheck } from '../../src/federation/negotiation.ts'
import { buildSnapshot } from '../../src/federation/snapshot.ts'
import { address, input, must, served, subject, xmppProvider } from './fixtures.ts'

const R = 'required'
const O = 'optional'
const N = 'unsupported'
const ALL = ['sasl-tls', 'tls-dialback', 'tcp-dialback'] as const
const W = true

type Cell = readonly [
  tls: Requirement,
  sasl: Requirement,
  dialback: 'on' | 'off',
  accepted: readonly Authentication[] | 'invalid',
  warned: boolean,
]

/** The matrix as it is written in the reference: TLS, SASL, dialback → what is accepted, and whether with a warning. */
const cells: readonly Cell[] = [
  [R, R, 'on', ['sasl-tls'], W],
  [R, R, 'off', ['sasl-tls'], false],
  [O, R, 'on', ALL, W],
  [O, R, 'off', ['sasl-tls'], W],
  [N, R, 'on', ['tcp-dialback'], W],
  [N, R, 'off', 'invalid', false],
  [R, O, 'on', ['sasl-tls', 'tls-dialback'], false],
  [R, O, 'off', ['sasl-tls'], false],
  [O, O, 'on', ALL, W],
  [O, O, 'off', ['sasl-tls'], W],
  [N, O, 'on', ['tcp-dialback'], W],
  [N, O, 'off', 'invalid', false],
  [R, N, 'on', ['tls-dialback'], false],
  [R, N, 'off', 'invalid', false],
  [O, N, 'on', ['tls-dialback', 'tcp-dialback'], false],
  [O, N, 'off', 'invalid', false],
  [N, N, 'on', ['tcp-dialback'], false],
  [N, N, 'off', 'invalid', false],
]

const rows = (tls: Requirement, sasl: Requirement, dialback: 'on' | 'off') =>
  input({
    links: [{ kind: 's2s', name: 's2s', suspended: false }],
    servedDomains: [served({ links: ['s2s'] })],
    providers: [
      xmppProvider({
        link: 's2s',
        verification: 'all',
        negotiation: { ...xmppProvider().negotiation, tls, sasl, dialback: dialback === 'on' },
      }),
    ],
  })

describe('TLS × SASL × dialback', () => {
  test('there are 18 rows', () => expect(new Set(cells.map(([a, b, c]) => `${a} ${b} ${c}`)).size).toBe(18))

  test.for(cells)('TLS %s, SASL %s, dialback %s', ([tls, sasl, dialback, accepted, warned]) => {
    const check = negotiationCheck({ tls, sasl, dialback: dialback === 'on' })
    const built = buildSnapshot(rows(tls, sasl, dialback))
    if (accepted === 'invalid') {
      expect(check).toMatchObject({ accepted: [], warnings: [] })
      expect(check.invalid).toMatch(/dialback is off/)
      expect(built).toMatchObject({
        ok: false,
        error: [
          {
            code: 'negotiation-impossible',
            rows: [{ list: 'providers', index: 0, name: 'Example XMPP', field: 'negotiation' }],
          },
        ],
      })
      return
    }
    expect(check.invalid).toBeUndefined()
    expect(check.accepted).toEqual(accepted)
    expect(check.warnings.length > 0).toBe(warned)
    expect(must(built).warnings.map(({ code }) => code)).toEqual(warned ? ['negotiation-weak'] : [])
  })

  test.for(cells.filter(([, , , accepted]) => accepted !== 'invalid'))(
    'dialback proves a domain just where the row accepts it: %s, %s, %s',
    ([tls, sasl, dialback, accepted]) => {
      const world = must(buildSnapshot(rows(tls, sasl, dialback)))
      const request = {
        kind: 'message',
        from: address('juliet@xmpp.example'),
        to: address('romeo@sip.example'),
      } as const
      for (const [way, over] of [
        ['tls-dialback', true],
        ['tcp-dialback', false],
      ] as const) {
        const evidence = {
          kind: 's2s',
          link: 's2s',
          certificate: 'absent',
          dialback: 'valid',
          tls: over,
        } as const
        expect(decide(request, evidence, world, subject()), way).toMatchObject(
          accepted.includes(way) ? { outcome: 'deliver' } : { reason: 'domain-not-proved' },
        )
      }
      const certified = {
        kind: 's2s',
        link: 's2s',
        certificate: 'match',
        dialback: 'not-tried',
        tls: true,
      } as const
      expect(decide(request, certified, world, subject()).outcome).toBe('deliver')
    },
  )
})
