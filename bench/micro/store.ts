import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import SqliteConnection from 'better-sqlite3'
import type { Mutation } from '../../src/admin/store.ts'
import type { PresencePair } from '../../src/edge/presence/store.ts'
import { SubjectCache } from '../../src/edge/subject-cache.ts'
import { type Address, type UserKey, userKey } from '../../src/federation/address.ts'
import type { SubjectQuestion } from '../../src/federation/load-subject.ts'
import type { Provider, User } from '../../src/federation/model.ts'
import { UNLIMITED } from '../../src/federation/settings.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { type Domain, parseDomain } from '../../src/kernel/domain.ts'
import { ok } from '../../src/kernel/result.ts'
import { TimerWheel } from '../../src/kernel/timer-wheel.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import { startOn } from '../start.ts'
import { measure } from './harness.ts'

/** A file with 100,000 users of 50 contact entries each and 10,000 providers (short: 2,000 and 500). */
const SHORT = process.argv.includes('--short')
const USERS = SHORT ? 2_000 : 100_000
const ENTRIES = 50
const PROVIDERS = SHORT ? 500 : 10_000

const directory = mkdtempSync(join(tmpdir(), 'dragoman-bench-store-'))
const path = join(directory, 'federation.db')
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

function domain(text: string): Domain {
  const parsed = parseDomain(text)
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`)
  return parsed.value
}

const SERVED = domain('sip.example')
const nameOf = (i: number): string => `user${String(i).padStart(6, '0')}`
/** As it comes off the wire: every string new. */
const fresh = (text: string): string => Buffer.from(text).toString()
const own = (i: number): Address => ({ user: userKey(fresh(nameOf(i))), domain: fresh(SERVED) as Domain })
const remote = (i: number, k: number): Address => ({
  user: fresh(`friend${k}`) as UserKey,
  domain: fresh(`im.partner${(i * 7 + k) % PROVIDERS}.example`) as Domain,
})

const provider = (i: number): Provider => ({
  protocol: 'sip',
  name: `Partner ${i}`,
  type: 'partner',
  enabled: true,
  verification: 'contacts',
  domains: [{ domain: domain(`im.partner${i}.example`), below: false }],
  accessEdges: [domain(`edge.partner${i}.example`)],
  assertingHeader: undefined,
  icon: undefined,
  description: undefined,
  congestionSafePath: false,
  limits: UNLIMITED,
  suspended: false,
})

const user = (i: number, enabled: boolean): User => ({
  address: own(i),
  enabled,
  home: undefined,
  site: undefined,
  policy: undefined,
  privacy: { contactsOnly: false, hideNotes: false },
  suspended: false,
})

const report = (name: string, fields: object): void =>
  console.log(JSON.stringify({ kind: 'micro', name, ...fields }))

/** The median of `rounds`, one after the other: what waits for the disk is not measured by the thousand. */
async function each(name: string, rounds: number, work: (i: number) => Promise<unknown>): Promise<void> {
  const took: number[] = []
  for (let i = 0; i < rounds; i++) {
    const started = process.hrtime.bigint()
    await work(i)
    took.push(Number(process.hrtime.bigint() - started))
  }
  took.sort((a, b) => a - b)
  const at = (part: number): number =>
    took[Math.min(took.length - 1, Math.floor(took.length * part))] ?? Number.NaN
  report(name, { nsPerOp: at(0.5), nsPerOpBest: at(0), nsPerOpWorst: at(1), p99: at(0.99), rounds })
}

async function open(): Promise<Store> {
  const opened = await openStore(
    { kind: 'sqlite', path },
    {
      clock: systemClock,
      timers: new TimerWheel({ clock: systemClock }),
      onFault: (error) => {
        throw error
      },
    },
  )
  if (!opened.ok) throw new Error(opened.error.message)
  return opened.value
}

async function change(store: Store, mutations: readonly Mutation[]): Promise<void> {
  const result = await store.change({ name: 'bench', claimed: false }, mutations, {
    check: () => ok(undefined),
  })
  if (!result.ok || result.value.changes.length !== mutations.length) throw new Error(JSON.stringify(result))
}

/** Straight into the tables: through changes, every entry would have its line in the audit log. */
function fill(): void {
  const file = new SqliteConnection(path)
  file.pragma('synchronous = off')
  const putUser = file.prepare('insert into users values (?, ?, 1, null, null, null, 0, 0, 1)')
  const putEntry = file.prepare('insert into contacts values (?, ?, ?, ?, null)')
  file.transaction(() => {
    for (let i = 0; i < USERS; i++) {
      const address = `${nameOf(i)}@${SERVED}`
      putUser.run(address, SERVED)
      for (let k = 0; k < ENTRIES; k++) {
        const { user: name, domain: at } = remote(i, k)
        putEntry.run(address, `address:${name}@${at}`, k < 45 ? 'allow' : 'block', 'user')
      }
    }
  })()
  file.pragma('wal_checkpoint(truncate)')
  file.close()
}

const first = await open()
await change(
  first,
  Array.from({ length: PROVIDERS }, (_, i): Mutation => ({ do: 'put', list: 'providers', row: provider(i) })),
)
await first.close()
const filling = performance.now()
fill()
report('store/file', {
  users: USERS,
  entries: USERS * ENTRIES,
  providers: PROVIDERS,
  megabytes: Math.round(statSync(path).size / 1e6),
  fillSeconds: Math.round((performance.now() - filling) / 100) / 10,
})

const opening = performance.now()
const store = await open()
const opened = performance.now()
await store.read()
report('store/open and read all rows', {
  openMilliseconds: Math.round(opened - opening),
  readMilliseconds: Math.round(performance.now() - opened),
  residentMegabytes: Math.round(process.memoryUsage().rss / 1e6),
})

/** Far from each other in the file: a prime step through all users. */
const scattered = (n: number): number => (n * 7919) % USERS

measure('store/subject, users at random, a contact', (n) => {
  const record = store.load(own(scattered(n)), remote(scattered(n), n % 45), `Partner ${n % PROVIDERS}`)
  if (record instanceof Promise || record.contacts?.allow.length !== 1) throw new Error('no contact')
  return record
})
measure('store/subject, users at random, a stranger', (n) => {
  const record = store.load(own(scattered(n)), remote(scattered(n), 77), undefined)
  if (record instanceof Promise || record.user === undefined) throw new Error('no user')
  return record
})
measure('store/subject, 1000 users', (n) => store.load(own(n % 1000), remote(n % 1000, n % 45), undefined))
measure('store/subject, nobody', (n) => store.load(own(USERS + n), remote(n, 1), undefined))

const cache = new SubjectCache(store, 20_000)
const question = (i: number, k: number): SubjectQuestion => ({
  served: { name: SERVED, home: 'main', users: 'any', links: [], suspended: false },
  own: own(i),
  remote: remote(i, k),
  provider: undefined,
})
const asked = Array.from({ length: 1000 }, (_, i) => question(i, i % 45))
for (const each of asked) cache.record(each)
measure('store/subject from the cache, a hit', (n) => cache.record(asked[n % 1000] as SubjectQuestion))

const ROUNDS = SHORT ? 30 : 300
await each('store/change of one user, synchronous=FULL', ROUNDS, (i) =>
  change(store, [{ do: 'put', list: 'users', row: user(scattered(i), false) }]),
)
await each(`store/change of one provider among ${PROVIDERS}, synchronous=FULL`, ROUNDS, (i) =>
  change(store, [{ do: 'put', list: 'providers', row: { ...provider(i), enabled: false } }]),
)
await each('store/change of 100 contact entries', SHORT ? 5 : 30, (i) =>
  change(
    store,
    Array.from({ length: 100 }, (_, k): Mutation => {
      const entry = {
        match: { kind: 'address', address: remote(i, 1000 + k) },
        by: 'admin',
        expires: undefined,
      } as const
      return { do: 'put-contact', user: own(scattered(i)), list: 'allow', entry }
    }),
  ),
)
await each('store/page of 100 users', SHORT ? 30 : 300, (i) =>
  store.users({ limit: 100, after: own(scattered(i)) }),
)

const LEARNED = SHORT ? 1_000 : 9_000
const learning = performance.now()
for (let i = 0; i < LEARNED; i++) {
  store.learn(own(scattered(i)), remote(i, 5000), { lifetime: 90 * 86_400_000, perUser: 500 })
}
const noted = performance.now()
while (store.learnedStats().waiting > 0) await new Promise((resolve) => setTimeout(resolve, 1))
report('store/learned entries', {
  noteNsPerOp: Math.round(((noted - learning) * 1e6) / LEARNED),
  writtenPerSecond: Math.round((LEARNED * 1000) / (performance.now() - noted)),
})

report('store/start of the gateway', await startOn(directory, path))

/** As many authorizations as dialogs. */
const PRESENCE = SHORT ? 5_000 : 100_000
const body = JSON.stringify({ target: 'x'.repeat(100), routes: ['x'.repeat(100)], callId: 'x'.repeat(30) })
const presenceOf = (i: number): PresencePair => ({
  direction: i % 2 === 0 ? 'in' : 'out',
  xmpp: `friend${scattered(i) % 1000}@im.partner${scattered(i) % PROVIDERS}.example`,
  sip: `sip:${nameOf(i)}@${SERVED}`,
})
/** The longest that the loop had to wait meanwhile, timers of 1 ms considered. */
const lag = monitorEventLoopDelay({ resolution: 1 })
lag.enable()
const keeping = performance.now()
for (let i = 0; i < PRESENCE; i++) {
  store.keepAuthorization({ ...presenceOf(i), state: 'granted', since: Date.now() })
  store.keepDialog({ ...presenceOf(i), id: randomUUID(), until: Date.now() + 3_600_000, body })
}
const kept = performance.now()
lag.reset()
while (store.presenceStats().waiting > 0) await new Promise((resolve) => setTimeout(resolve, 1))
report('store/presence, written', {
  noteNsPerOp: Math.round(((kept - keeping) * 1e6) / (2 * PRESENCE)),
  writtenPerSecond: Math.round((2 * PRESENCE * 1000) / (performance.now() - kept)),
  loopDelayMs: { p50: lag.percentile(50) / 1e6, p99: lag.percentile(99) / 1e6, max: lag.max / 1e6 },
})
lag.reset()
const loading = performance.now()
let parts = 0
let rows = 0
for await (const { authorizations, dialogs } of store.loadPresence()) {
  parts++
  rows += authorizations.length + dialogs.length
}
if (rows !== 2 * PRESENCE) throw new Error(`${rows} rows of presence`)
report('store/presence, loaded', {
  rows,
  parts,
  milliseconds: Math.round(performance.now() - loading),
  loopDelayMs: { p50: lag.percentile(50) / 1e6, max: lag.max / 1e6 },
})
await store.close()
report('store/start of the gateway, with presence', await startOn(directory, path))
