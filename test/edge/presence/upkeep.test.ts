import { expect, test, vi } from 'vitest'
import { AddressBook } from '../../../src/edge/address-book.ts'
import type { Attached } from '../../../src/edge/attached.ts'
import { Counters } from '../../../src/edge/counters.ts'
import { Gatekeeper } from '../../../src/edge/gatekeeper.ts'
import { Exposure } from '../../../src/edge/presence/exposure.ts'
import { People } from '../../../src/edge/presence/people.ts'
import { Upkeep } from '../../../src/edge/presence/upkeep.ts'
import { Watch } from '../../../src/edge/presence/watch.ts'
import type { Watched } from '../../../src/edge/presence/watched.ts'
import type { Watching } from '../../../src/edge/presence/watching.ts'
import type { FederationInput, Snapshot } from '../../../src/federation/snapshot.ts'
import { byAddress, contacts, domain, xmppProvider } from '../../federation/fixtures.ts'
import { fakeTime } from '../../kernel/fake-time.ts'
import { asComponent, open, recordingLog } from '../support.ts'

const people = { xmpp: 'juliet@xmpp.example', sip: 'sip:romeo@sip.example' }

/** What is done to one pair in each direction; the tables themselves have tests of their own. */
function bed() {
  const time = fakeTime()
  const done: string[] = []
  const watch = new Watch({ direction: 'out', ...people }, 0)
  const exposure = new Exposure({ direction: 'in', ...people }, 0, 'main')
  const via: Attached = {
    ...asComponent(),
    link: { live: true, send: () => true },
    book: new AddressBook({ kind: 'straight' }, 100),
    gateway: { software: { name: 'Test', version: '1' }, type: 'sip' },
  }
  const state: {
    snapshot: Snapshot
    attached: Attached | undefined
    here: { watch: Watch | undefined; exposure: Exposure | undefined }
  } = { snapshot: open(), attached: via, here: { watch, exposure } }
  const snapshot = () => state.snapshot
  const log = recordingLog()
  const gate = new Gatekeeper({ snapshot, clock: time.clock })
  const upkeep = new Upkeep({
    watching: {
      all: () => [watch],
      find: () => state.here.watch,
      refuse: (_watch: Watch, passing: boolean) => done.push(`out refused${passing ? ' for a while' : ''}`),
      permit: (_watch: Watch, { home }: { home: string }) => done.push(`out permitted at ${home}`),
      renew: () => done.push('out renewed'),
      wake: () => done.push('out woken'),
      settle: () => done.push('out settled'),
    } as unknown as Watching,
    watched: {
      all: () => [exposure],
      find: () => state.here.exposure,
      refuse: (_one: Exposure, passing: boolean) => done.push(`in refused${passing ? ' for a while' : ''}`),
      permit: (_one: Exposure, home: string) => done.push(`in permitted at ${home}`),
      renew: () => done.push('in renewed'),
    } as unknown as Watched,
    people: new People({ snapshot, attached: () => state.attached }),
    gatekeeper: gate,
    snapshot,
    store: undefined,
    resume: 1000,
    log,
    counters: new Counters(),
    clock: time.clock,
    timers: time.timers,
  })
  const here = state.here
  const pairs = [watch, exposure] as const
  const revised = (changes: Partial<FederationInput>): readonly string[] => {
    state.snapshot = open(changes)
    upkeep.revise()
    time.pass(1000)
    return done.splice(0)
  }
  return { time, done, upkeep, revised, state, log, here, pairs, gate }
}

test('what is still permitted is permitted', () => {
  expect(bed().revised({})).toEqual(['out permitted at main', 'in permitted at main'])
})

test('many changes at once are looked at once', () => {
  const { upkeep, time, done } = bed()
  for (let i = 0; i < 10; i++) upkeep.revise()
  time.pass(1000)
  expect(done).toHaveLength(2)
})

test.for([
  [
    'a provider that is disabled',
    { providers: [xmppProvider({ verification: 'all', enabled: false })] },
    true,
  ],
  [
    'a provider that is suspended',
    { providers: [xmppProvider({ verification: 'all', suspended: true })] },
    true,
  ],
  ['a provider that is gone', { providers: [] }, true],
  [
    'a domain that is blocked',
    { blockedDomains: [{ name: domain('xmpp.example'), comment: undefined, suspended: false }] },
    false,
  ],
] as const)('%s: both directions end', ([, changes, passing]) => {
  const how = passing ? ' for a while' : ''
  expect(bed().revised(changes as Partial<FederationInput>)).toEqual([
    `out refused${how}`,
    `in refused${how}`,
  ])
})

test('a contact that is blocked: both directions end for good', () => {
  const block = contacts({
    user: { ...contacts().user },
    block: [byAddress('juliet@xmpp.example')],
    allow: [],
  })
  expect(bed().revised({ contacts: [block] })).toEqual(['out refused', 'in refused'])
})

test('a level that asks for contacts ends who comes in, for good, and not who goes out', () => {
  const level = { providers: [xmppProvider({ verification: 'contacts' })] }
  expect(bed().revised(level)).toEqual(['out refused', 'in permitted at main'])
})

test('without a link nobody can be told: for a while', () => {
  const { state, revised } = bed()
  state.attached = undefined
  expect(revised({})).toEqual(['out refused for a while', 'in refused for a while'])
})

test('a link that is back: everything it carries is told and asked again, at a rate', () => {
  const { upkeep, time, done } = bed()
  expect(upkeep.downFor('prosody')).toBe(0)
  upkeep.linkIsLost('prosody')
  time.pass(5000)
  upkeep.linkIsLost('prosody')
  expect(upkeep.downFor('prosody')).toBe(5000)
  upkeep.linkIsLive('prosody')
  upkeep.linkIsLive('another')
  expect([done.splice(0), upkeep.renewing, upkeep.downFor('prosody')]).toEqual([
    ['out settled', 'out settled'],
    2,
    0,
  ])
  time.pass(1000)
  expect(done).toEqual(['out renewed', 'out woken', 'in renewed'])
})

test.for([
  ['forbidden for a while', { refused: true }],
  ['of an earlier process', { judged: false }],
] as const)('permitted, and until then %s: renewed, but not all at once', ([, before]) => {
  const { upkeep, revised, done, time, pairs } = bed()
  for (const pair of pairs) Object.assign(pair, before)
  upkeep.revise()
  time.pass(300)
  expect([done.splice(0), upkeep.renewing]).toEqual([['out permitted at main', 'in permitted at main'], 2])
  for (const pair of pairs) Object.assign(pair, { refused: false, judged: true })
  expect(revised({})).toContain('out woken')
})

test('who is not judged yet is not renewed with the link', () => {
  const { upkeep, time, done, pairs } = bed()
  for (const pair of pairs) pair.judged = false
  upkeep.linkIsLive('prosody')
  time.pass(1000)
  expect(done).toEqual(['out settled'])
})

test('what has ended while it waited is left alone', () => {
  const { upkeep, revised, here, time } = bed()
  upkeep.linkIsLive('prosody')
  here.watch = undefined
  here.exposure = undefined
  expect(revised({ providers: [] })).toEqual(['out settled'])
  time.pass(1000)
})

test('the store fails: said once, and judged again until it does not', () => {
  const { upkeep, revised, time, done, log, gate } = bed()
  const judge = vi
    .spyOn(gate, 'judge')
    .mockImplementation((_asked, _judged, unknown) => unknown(new Error('no store')))
  expect(revised({ providers: [] })).toEqual([])
  expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1)
  judge.mockRestore()
  time.pass(10_500)
  expect(done).toEqual(['out refused for a while', 'in refused for a while'])
  upkeep.close()
})
