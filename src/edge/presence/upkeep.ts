import type { Snapshot } from '../../federation/snapshot.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import type { Counters } from '../counters.ts'
import type { Gatekeeper } from '../gatekeeper.ts'
import { homeOfUser } from '../homes.ts'
import type { Log } from '../log.ts'
import { Absence } from './absence.ts'
import { Exposure } from './exposure.ts'
import { type Kept, readKept } from './kept.ts'
import { Pace } from './pace.ts'
import type { People, Resolved } from './people.ts'
import { isFinal } from './revision.ts'
import type { PresenceStore } from './store.ts'
import { Watch } from './watch.ts'
import type { Watched } from './watched.ts'
import type { Watching } from './watching.ts'

export interface UpkeepOptions {
  readonly watching: Watching
  readonly watched: Watched
  readonly people: People
  /** Counts nothing: what runs is judged again, and nobody has sent anything. */
  readonly gatekeeper: Gatekeeper
  readonly snapshot: () => Snapshot
  readonly store: PresenceStore | undefined
  /** Pairs a second that are told and asked again. */
  readonly resume: number
  readonly log: Log
  readonly counters: Counters
  readonly clock: Clock
  readonly timers: Timers
}

/** A dialog of an earlier process. */
interface Found {
  readonly id: string
  readonly item: Watch | Exposure
  readonly kept: Kept
}

/** Milliseconds for which changes of the rules are gathered; pairs a second that are judged again then. */
const GATHER = 200
const REVISE = 20_000
/** Milliseconds until those are judged again of whom it could not be found out. */
const AGAIN = 10_000

/** What happens to all pairs at once: the rules change, a link comes and goes, the process starts. */
export class Upkeep {
  readonly #options: UpkeepOptions
  readonly #judging: Pace<Watch | Exposure>
  readonly #renewing: Pace<Watch | Exposure>
  /** Of whom it could not be found out whether they may. */
  readonly #unknown = new Set<Watch | Exposure>()
  readonly #live = new Set<string>()
  /** Since when a link is not live any more. */
  readonly #down = new Map<string, number>()
  /** When this process did. */
  readonly #begun: number
  #gathering = false
  /** Domains that their link does not lead to now. */
  readonly absence: Absence<Watch | Exposure>

  constructor(options: UpkeepOptions) {
    this.#options = options
    const { timers, clock, resume, log } = options
    this.#begun = clock.now()
    const fault = (error: unknown): void => log.error({ err: error }, 'fault in presence')
    this.#judging = new Pace({ perSecond: REVISE, timers, run: (item) => this.#judge(item), fault })
    this.#renewing = new Pace({ perSecond: resume, timers, run: (item) => this.#renew(item), fault })
    this.absence = new Absence({
      all: () => this.#all(),
      speaks: (item) => !item.refused && item.judged && item.speaks,
      renew: (item) => this.#renewing.add(item),
      clock,
      timers,
    })
  }

  /** Pairs that wait for their turn. */
  get renewing(): number {
    return this.#renewing.waiting
  }

  close(): void {
    this.#judging.close()
    this.#renewing.close()
  }

  /** Milliseconds; 0: it is live. One that never was is down since the process has started. */
  downFor(link: string): number {
    return this.#live.has(link) ? 0 : this.#options.clock.now() - (this.#down.get(link) ?? this.#begun)
  }

  /** Milliseconds for which nothing could be said to an XMPP user or heard of it; 0: its server is there, as far as is known. */
  awayFor({ via, xmpp }: Pick<Resolved, 'via' | 'xmpp'>): number {
    return Math.max(this.downFor(via.name), this.absence.of(xmpp.domain))
  }

  /** The stream to an XMPP server stands: what it may have missed is said, what we may have missed is asked for. */
  linkIsLive(name: string): void {
    this.#live.add(name)
    this.#down.delete(name)
    this.#options.watching.settle()
    for (const item of this.#all())
      if (this.#options.people.resolve(item.pair)?.via.name === name) this.#renewing.add(item)
  }

  linkIsLost(name: string): void {
    this.#live.delete(name)
    if (!this.#down.has(name)) this.#down.set(name, this.#options.clock.now())
  }

  #renew(item: Watch | Exposure): void {
    // Whoever is not judged yet has its turn then.
    if (!item.judged || this.#isGone(item)) return
    const { watching, watched } = this.#options
    if (item instanceof Exposure) watched.renew(item)
    else {
      watching.renew(item)
      watching.wake(item)
    }
  }

  /** It has ended while it waited; its pair may have another by now. */
  #isGone(item: Watch | Exposure): boolean {
    const { watching, watched } = this.#options
    return (item instanceof Exposure ? watched : watching).find(item.pair) !== item
  }

  /** The rules have changed, or what is known of people: everything that runs is judged again. */
  revise(): void {
    if (this.#gathering) return
    this.#gathering = true
    this.#options.timers.set(GATHER, () => {
      this.#gathering = false
      for (const item of this.#all()) this.#judging.add(item)
    })
  }

  #judge(item: Watch | Exposure): void {
    const { gatekeeper, snapshot, log, watching, watched } = this.#options
    if (this.#isGone(item)) return
    const resolved = this.#options.people.resolve(item.pair)
    if (resolved === undefined) {
      this.#refuse(item, true)
      return
    }
    const { xmpp, sip, via } = resolved
    const out = item instanceof Watch
    const home = homeOfUser(snapshot(), sip)?.name ?? item.home
    gatekeeper.judge(
      {
        kind: 'presence',
        from: out ? xmpp : sip,
        to: out ? sip : xmpp,
        evidence: out ? via.evidence : { kind: 'home', home: item.home === '' ? home : item.home },
      },
      ({ verdict, route }) => {
        if (this.#isGone(item)) return
        if (verdict.outcome === 'refuse') {
          log.info(
            { xmpp: item.pair.xmpp, sip: item.pair.sip, reason: verdict.reason },
            'a subscription to presence is ended by the rules',
          )
          this.#refuse(item, !isFinal(verdict))
          return
        }
        if (out && route.kind !== 'home') {
          this.#refuse(item, true)
          return
        }
        // They may be very many at once.
        if (item.refused || !item.judged) this.#renewing.add(item)
        if (item instanceof Exposure) watched.permit(item, item.home === '' ? home : item.home)
        else if (route.kind === 'home') watching.permit(item, { home: route.home.name, verdict })
      },
      (error) => this.#judgeLater(item, error),
    )
  }

  /** The store fails, most likely: what runs goes on meanwhile, and some of it may be forbidden by now. */
  #judgeLater(item: Watch | Exposure, error: unknown): void {
    const { timers, log } = this.#options
    if (this.#unknown.size === 0) {
      log.error({ err: error }, 'a subscription to presence could not be judged')
      timers.set(AGAIN, () => {
        for (const one of this.#unknown) this.#judging.add(one)
        this.#unknown.clear()
      })
    }
    this.#unknown.add(item)
  }

  #refuse(item: Watch | Exposure, passing: boolean): void {
    if (item.refused) return
    this.#options.counters.add('presence.ended-by-rules')
    if (item instanceof Watch) this.#options.watching.refuse(item, passing)
    else this.#options.watched.refuse(item, passing)
  }

  /** In turn from both directions, so that neither waits for all of the other. */
  *#all(): Generator<Watch | Exposure> {
    const both = [
      this.#options.watching.all()[Symbol.iterator](),
      this.#options.watched.all()[Symbol.iterator](),
    ]
    while (both.length > 0) {
      for (const items of [...both]) {
        const { done, value } = items.next()
        if (done) both.splice(both.indexOf(items), 1)
        else yield value
      }
    }
  }

  /**
   * Reads what an earlier process has kept. That takes a while, so it is done before anybody can ask: who refreshed meanwhile
   * would lose its subscription.
   * @returns goes on with it, once requests can be sent
   * @throws StoreFault
   */
  async load(): Promise<() => void> {
    const { store, watching, watched } = this.#options
    if (store === undefined) return () => {}
    const found: Found[] = []
    const drop: string[] = []
    for await (const { authorizations, dialogs } of store.loadPresence()) {
      for (const each of authorizations)
        if (each.direction === 'out') watching.restore(each)
        else watched.restore(each)
      for (const dialog of dialogs) {
        const kept = readKept(dialog)
        const item = dialog.direction === 'out' ? watching.find(dialog) : watched.find(dialog)
        if (kept === undefined || item === undefined) drop.push(dialog.id)
        else found.push({ id: dialog.id, item, kept })
      }
    }
    return () => this.#goOn(store, found, drop)
  }

  #goOn(store: PresenceStore, found: readonly Found[], drop: string[]): void {
    const { watching, watched, resume, log } = this.#options
    const out = found.reduce((sum, { item }) => sum + (item instanceof Watch ? 1 : 0), 0)
    const spread = Math.max(1000, (out / resume) * 1000)
    const dialogs = found.length + drop.length
    for (const { id, item, kept } of found) {
      const done = item instanceof Watch ? watching.resume(item, kept, spread) : watched.resume(item, kept)
      if (!done) drop.push(id)
    }
    for (const id of drop) store.dropDialog(id)
    if (dialogs > 0) log.info({ dialogs, resumed: dialogs - drop.length }, 'presence goes on')
    this.revise()
  }
}
