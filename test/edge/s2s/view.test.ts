import { expect, test } from 'vitest'
import {
  MOST,
  type S2sView,
  type StreamView,
  s2sLinkView,
  type TroubledDomain,
} from '../../../src/edge/s2s/view.ts'
import { stream } from './streams.ts'

const view = (streams: readonly StreamView[], troubled: readonly TroubledDomain[] = []): S2sView => ({
  streams,
  troubled,
  counters: {},
})

const trouble = (domain: string, failures: number): TroubledDomain => ({
  domain,
  failures,
  retryInSeconds: 30,
  reason: 'no address',
})

test('streams are in the order of their peers, the oldest first of those one side opened', () => {
  const { streams } = s2sLinkView(
    view([
      stream({ id: '1', peer: 'b.example' }),
      stream({ id: '2', peer: 'a.example', direction: 'out' }),
      stream({ id: '3', peer: 'a.example', ageSeconds: 1 }),
      stream({ id: '4', peer: 'a.example', ageSeconds: 2 }),
    ]),
    'live',
  )
  expect(streams.map(({ id }) => id)).toEqual(['4', '3', '2', '1'])
})

test('those of one peer, or of an address that has not said who it is; the counts are of all', () => {
  const all = view(
    [
      stream({ peer: 'a.example', direction: 'out' }),
      stream({ peer: 'b.example' }),
      stream({ peer: '192.0.2.7' }),
    ],
    [trouble('a.example', 1), trouble('c.example', 2)],
  )
  const of = (peer: string) => {
    const { streams, troubled, count } = s2sLinkView(all, 'live', peer)
    expect(count).toEqual({ in: 2, out: 1, troubled: 2 })
    return [streams.length, troubled.length]
  }
  expect([of('a.example'), of('b.example'), of('192.0.2.7'), of('example')]).toEqual([
    [1, 1],
    [1, 0],
    [1, 0],
    [0, 0],
  ])
})

test('the longest in trouble come first', () => {
  const { troubled } = s2sLinkView(
    view([], [trouble('a.example', 1), trouble('c.example', 7), trouble('b.example', 7)]),
    'live',
  )
  expect(troubled.map(({ domain }) => domain)).toEqual(['b.example', 'c.example', 'a.example'])
})

test.for([
  [MOST, MOST, false],
  [MOST + 1, 0, true],
  [0, MOST + 1, true],
] as const)(
  'of %i streams and %i domains as many are told as fit: more is %s',
  ([streams, domains, more]) => {
    const shown = s2sLinkView(
      view(
        Array.from({ length: streams }, (_, index) => stream({ peer: `p${index}.example` })),
        Array.from({ length: domains }, (_, index) => trouble(`d${index}.example`, 1)),
      ),
      'live',
    )
    expect([shown.streams.length, shown.troubled.length, shown.more]).toEqual([
      Math.min(streams, MOST),
      Math.min(domains, MOST),
      more,
    ])
    expect(shown.count).toEqual({ in: streams, out: 0, troubled: domains })
  },
)
