import { describe, expect, test } from 'vitest'
import { waitBefore } from '../../../src/edge/presence/backoff.ts'
import { afterLoss } from '../../../src/edge/presence/loss.ts'
import { Polls } from '../../../src/edge/presence/polls.ts'
import { Showing } from '../../../src/edge/presence/showing.ts'
import { Watch } from '../../../src/edge/presence/watch.ts'
import { UNAVAILABLE } from '../../../src/interworking/presence/state.ts'
import { type End, endByReason, endByStatus } from '../../../src/sip/events/ending.ts'
import type { Element } from '../../../src/xmpp/xml/element.ts'
import { PAIR } from './out-rig.ts'

const RETRY = { first: 30_000, longest: 600_000 }

describe('how long until a lost subscription is asked for anew', () => {
  test.for([
    ['at once, but not all at the same time', { kind: 'now' }, 0, 0.5, 1000],
    ['at once, for the second time', { kind: 'now' }, 1, 0.5, 46_000],
    ['doubled each time', { kind: 'now' }, 3, 0.5, 181_000],
    ['no longer than the longest', { kind: 'now' }, 1000, 0.5, 451_000],
    ['what the notifier says is the least', { kind: 'after', seconds: 400 }, 0, 0.5, 401_000],
    ['and who fails again waits longer', { kind: 'after', seconds: 40 }, 4, 0.5, 361_000],
    ['never', { kind: 'never' }, 0, 0.5, undefined],
  ] as const)('%s', ([, retry, failures, fraction, wait]) => {
    expect(waitBefore(retry, failures, RETRY, fraction)).toBe(wait)
  })
})

describe('what follows a loss', () => {
  const options = { retry: RETRY, giveUp: 600_000, wall: 1_000_000, fraction: 0 }
  const asked = { authorization: 'asked', since: 900_000, failures: 0, present: true } as const
  const granted = { ...asked, authorization: 'granted' } as const
  const refused = (status: number): End => endByStatus(status, undefined, 300, false)
  const ended = (reason: string): End => endByReason(reason, undefined, 300)

  test.for([
    ['asked: 403', asked, refused(403), { kind: 'withdrawn' }],
    ['asked: 404', asked, refused(404), { kind: 'refused', status: 404 }],
    ['asked: 480', asked, refused(480), { kind: 'again', wait: 300_000, hide: true }],
    ['asked for too long: 480', { ...asked, since: 400_000 }, refused(480), { kind: 'withdrawn' }],
    [
      'asked, and away: 480',
      { ...asked, present: false },
      refused(480),
      { kind: 'again', wait: 300_000, hide: true },
    ],
    ['asked: invariant', asked, ended('invariant'), { kind: 'again', wait: undefined, hide: true }],
    ['granted: 404', granted, refused(404), { kind: 'again', wait: undefined, hide: true }],
    ['granted: rejected', granted, ended('rejected'), { kind: 'withdrawn' }],
    ['granted: timeout', granted, ended('timeout'), { kind: 'again', wait: 0, hide: false }],
    [
      'granted: timeout, again',
      { ...granted, failures: 1 },
      ended('timeout'),
      { kind: 'again', wait: 30_000, hide: true },
    ],
    [
      'granted, and away: timeout',
      { ...granted, present: false },
      ended('timeout'),
      { kind: 'again', wait: undefined, hide: false },
    ],
    ['granted: invariant', granted, ended('invariant'), { kind: 'settled' }],
  ] as const)('%s', ([, watch, end, next]) => {
    expect(afterLoss(watch, end, options)).toEqual(next)
  })
})

test('one fetch for all who ask: one device, or the user as a whole', () => {
  const polls = new Polls()
  expect(polls.join(PAIR, 'juliet@xmpp.example/a')).toBe(false)
  polls.begin(PAIR, 'juliet@xmpp.example/a')
  expect(polls.join(PAIR, 'juliet@xmpp.example/a')).toBe(true)
  expect(polls.asker(PAIR)).toBe('juliet@xmpp.example/a')
  expect(polls.join(PAIR, 'juliet@xmpp.example/b')).toBe(true)
  expect(polls.asker(PAIR)).toBe(PAIR.xmpp)
  polls.end(PAIR)
  expect([polls.asker(PAIR), polls.join(PAIR, 'x')]).toEqual([undefined, false])
})

describe('showing', () => {
  const rig = () => {
    const link = { live: true }
    const stanzas: Element[] = []
    const tell = (_: unknown, stanzasOf: (resolved: object) => readonly Element[]): boolean => {
      if (!link.live) return false
      stanzas.push(
        ...stanzasOf({
          contact: 'romeo@sip.example',
          via: { gateway: { software: { name: 'T', version: '1' } } },
        }),
      )
      return true
    }
    const showing = new Showing({ tell } as never, { first: () => {} })
    const told = (): unknown[] => stanzas.splice(0).map(({ attrs: { from, type } }) => type ?? from)
    return { link, showing, told, stanzas }
  }
  const watching = (): Watch => {
    const watch = new Watch(PAIR, 0)
    watch.known = new Map([
      ['orchard', { ...UNAVAILABLE, available: true, texts: [{ lang: undefined, text: 'here' }] }],
    ])
    return watch
  }

  test('what was withheld is not in the stanza, and is no change either', () => {
    const { showing, told, stanzas } = rig()
    const watch = watching()
    watch.withheld = { notes: true, rich: true }
    showing.change(watch)
    expect(stanzas[0]?.getChild('status')).toBeUndefined()
    expect(told()).toEqual(['romeo@sip.example/orchard'])
    watch.known = new Map([
      ['orchard', { ...UNAVAILABLE, available: true, texts: [{ lang: undefined, text: 'there' }] }],
    ])
    showing.change(watch)
    expect(told()).toEqual([])
  })

  test('what nobody knows is not told to who asks', () => {
    const { showing, told } = rig()
    showing.all(new Watch(PAIR, 0), PAIR.xmpp)
    expect(told()).toEqual([])
  })
})
