import { onTestFinished } from 'vitest'
import type { Clock } from '../../../src/kernel/clock.ts'
import { ok } from '../../../src/kernel/result.ts'
import { TimerWheel } from '../../../src/kernel/timer-wheel.ts'
import {
  createEndpoint,
  type Endpoint,
  type Hop,
  type IncomingRequest,
} from '../../../src/sip/endpoint/endpoint.ts'
import type { End } from '../../../src/sip/events/ending.ts'
import type { EventPackage } from '../../../src/sip/events/intake.ts'
import type { NotifierEnd } from '../../../src/sip/events/notifier-state.ts'
import type { SavedSubscription } from '../../../src/sip/events/saved.ts'
import type { Subscription, SubscriptionOwner } from '../../../src/sip/events/subscription.ts'
import {
  Subscriptions,
  type SubscriptionsOptions,
  type Wanted,
} from '../../../src/sip/events/subscriptions.ts'
import type { Offer, Watcher, WatcherOwner } from '../../../src/sip/events/watcher.ts'
import { Watchers, type WatchersOptions } from '../../../src/sip/events/watchers.ts'
import { patientClock } from '../../support/patient-clock.ts'
import { until } from '../endpoint/bed.ts'

export const PRESENCE: EventPackage = { name: 'presence', type: 'application/pidf+xml', expires: 3600 }
export const PRESENCE_EVENT = { package: 'presence', id: undefined }

/** A clock that stands still unless told; what is set on it fires when it is. */
export class ManualTime implements Clock {
  #now = 1_000_000
  readonly timers = new TimerWheel({ clock: this, drive: false })
  now(): number {
    return this.#now
  }
  wall(): number {
    return this.#now + 1_700_000_000_000
  }
  pass(ms: number): void {
    this.#now += ms
    this.timers.advance()
  }
}

/** Requests that came, and who takes them. */
export interface Place {
  readonly endpoint: Endpoint
  readonly hop: Hop
  readonly requests: IncomingRequest[]
  take: (incoming: IncomingRequest) => void
}

export async function place(): Promise<Place> {
  const requests: IncomingRequest[] = []
  const endpoint = await createEndpoint({
    listeners: (['udp', 'tcp'] as const).map((transport) => ({
      name: transport,
      transport,
      address: '127.0.0.1',
      port: 0,
      side: 'inside' as const,
    })),
    supports: {
      methods: ['SUBSCRIBE', 'NOTIFY'],
      accept: [PRESENCE.type],
      schemes: ['sip', 'sips'],
      extensions: [],
    },
    clock: patientClock,
    onRequest(incoming) {
      requests.push(incoming)
      made.take(incoming)
    },
  })
  onTestFinished(() => endpoint.close())
  const made: Place = {
    endpoint,
    hop: { transport: 'udp', address: '127.0.0.1', port: endpoint.listeners[0]?.port ?? 0 },
    requests,
    take: () => {},
  }
  return made
}

export interface Told {
  readonly list: string[]
  readonly saved: Map<string, SavedSubscription>
  readonly faults: unknown[]
}

const told = (): Told => ({ list: [], saved: new Map(), faults: [] })

const endText = ({ cause, authorization, retry }: End): string =>
  `ended ${Object.values(cause).join(' ')}, ${authorization}, ${Object.values(retry).join(' ')}`

export interface SubscriberSide extends Told {
  readonly subscriptions: Subscriptions<string, string>
  readonly place: Place
  subscribe(wanted?: Partial<Wanted<string>>): Subscription<string>
}

/** Takes NOTIFYs at `here`, sends SUBSCRIBEs to `there`. */
export function subscriberSide(
  here: Place,
  there: { readonly hop: Hop },
  time: ManualTime,
  changes: {
    readonly owner?: Partial<SubscriptionOwner<string, string>>
    readonly options?: Partial<SubscriptionsOptions<string, string>>
  } = {},
): SubscriberSide {
  const notes = told()
  const subscriptions = new Subscriptions<string, string>({
    endpoint: () => here.endpoint,
    timers: time.timers,
    clock: time,
    fault: (error) => notes.faults.push(error),
    owner: {
      hops: () => [there.hop],
      fields: () => [
        ['Contact', `<sip:juliet@127.0.0.1:${here.hop.port}>`],
        ['Accept', PRESENCE.type],
      ],
      read: ({ body }) => ok(Buffer.from(body).toString()),
      state: (document) => notes.list.push(document),
      pending: () => notes.list.push('pending'),
      active: () => notes.list.push('active'),
      left: () => notes.list.push('left'),
      ended: (end) => notes.list.push(endText(end)),
      save(subscription, saved) {
        if (saved === undefined) notes.saved.delete(subscription.id)
        else notes.saved.set(subscription.id, JSON.parse(JSON.stringify(saved)))
      },
      ...changes.owner,
    },
    ...changes.options,
  })
  here.take = (incoming) => subscriptions.receive(incoming)
  return {
    ...notes,
    subscriptions,
    place: here,
    subscribe(wanted = {}) {
      const made = subscriptions.subscribe({
        from: 'sip:juliet@xmpp.example',
        to: 'sip:romeo@sip.example',
        event: PRESENCE_EVENT,
        expires: 3600,
        data: 'juliet',
        ...wanted,
      })
      if (!made.ok) throw new Error(made.error)
      return made.value
    },
  }
}

export interface NotifierSide extends Told {
  readonly watchers: Watchers<string>
  readonly place: Place
  /** The state that is told; undefined: not known. */
  document: string | undefined
  /** What happens to the next offers. */
  offered: (offer: Offer<string>) => void
  only(): Watcher<string>
}

/** Takes SUBSCRIBEs at `here`, sends NOTIFYs to `there`. */
export function notifierSide(
  here: Place,
  there: { readonly hop: Hop },
  time: ManualTime,
  changes: {
    readonly owner?: Partial<WatcherOwner<string>>
    readonly options?: Partial<WatchersOptions<string>>
  } = {},
): NotifierSide {
  const notes = told()
  const endText = (end: NotifierEnd): string => `ended ${Object.values(end).join(' ')}`
  const watchers = new Watchers<string>({
    endpoint: () => here.endpoint,
    packages: [PRESENCE],
    timers: time.timers,
    clock: time,
    fault: (error) => notes.faults.push(error),
    owner: {
      offered: (offer) => side.offered(offer),
      hops: () => [there.hop],
      fields: () => [['Contact', `<sip:romeo@127.0.0.1:${here.hop.port}>`]],
      content: (_, what) =>
        side.document === undefined
          ? undefined
          : {
              fields: [['Content-Type', PRESENCE.type]],
              body: Buffer.from(what === 'last' ? 'closed' : side.document),
            },
      refreshed: () => notes.list.push('refreshed'),
      ended: (end) => notes.list.push(endText(end)),
      save(watcher, saved) {
        if (saved === undefined) notes.saved.delete(watcher.id)
        else notes.saved.set(watcher.id, JSON.parse(JSON.stringify(saved)))
      },
      ...changes.owner,
    },
    ...changes.options,
  })
  here.take = (incoming) => watchers.receive(incoming)
  const side: NotifierSide = {
    ...notes,
    watchers,
    place: here,
    document: 'open',
    offered: (offer) => void offer.accept('active', 'watcher'),
    only() {
      const [watcher, ...more] = watchers.values()
      if (watcher === undefined || more.length > 0) throw new Error(`${watchers.size} watchers`)
      return watcher
    },
  }
  return side
}

/** Two places with both sides between them. */
export async function pair(
  changes: {
    readonly subscriber?: Parameters<typeof subscriberSide>[3]
    readonly notifier?: Parameters<typeof notifierSide>[3]
  } = {},
): Promise<{ time: ManualTime; juliet: SubscriberSide; romeo: NotifierSide }> {
  const [a, b] = await Promise.all([place(), place()])
  const time = new ManualTime()
  return {
    time,
    juliet: subscriberSide(a, b, time, changes.subscriber),
    romeo: notifierSide(b, a, time, changes.notifier),
  }
}

/** Once so much was told. */
export const heard = (side: Told, ...list: readonly string[]): Promise<void> =>
  until(() => side.list.length >= list.length).then(
    () => {
      if (side.list.join('|') !== list.join('|')) throw new Error(side.list.join('|'))
    },
    () => {
      throw new Error(`heard no more than ${side.list.join('|')}`)
    },
  )
