import type { PeerCounts } from '../admin/explain.ts'
import type { PeerLimits } from '../federation/model.ts'

type Line = readonly [key: string, text: string]

const of = (count: number, limit: number | undefined): string =>
  limit === undefined ? `${count}` : `${count} of ${limit}`

/** What a running gateway has counted of a peer, beside its limits. */
export function linesOfCounts(counts: PeerCounts, limits: Partial<PeerLimits>): readonly Line[] {
  const { requests, refused, contacts, connections } = counts
  return [
    ['requests', String(requests)],
    ['refused', textOfRefused(refused)],
    [
      'users in the last hour',
      contacts === undefined ? 'not counted, since there is no limit' : of(contacts, limits.contacts),
    ],
    ['connections now', of(connections, limits.connections)],
  ]
}

function textOfRefused({ messages, contacts, connections }: PeerCounts['refused']): string {
  const parts = [
    [messages, 'too many a second'],
    [contacts, 'too many users'],
    [connections, 'too many connections'],
  ] as const
  const sum = messages + contacts + connections
  if (sum === 0) return '0'
  return `${sum} (${parts.flatMap(([count, why]) => (count === 0 ? [] : [`${count} ${why}`])).join(', ')})`
}
