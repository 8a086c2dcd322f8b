import type { Failure } from '../../src/edge/arrival.ts'
import { Challenges } from '../../src/edge/challenges.ts'
import { Destinations } from '../../src/edge/destinations.ts'
import { DialogPass } from '../../src/edge/dialog-pass.ts'
import { type CallLimits, OpenCalls } from '../../src/edge/open-calls.ts'
import { OwnTags } from '../../src/edge/own-tags.ts'
import { PeerHealth } from '../../src/edge/peer-health.ts'
import { PeerLog } from '../../src/edge/peer-log.ts'
import type { PipelineOptions } from '../../src/edge/pipeline.ts'
import { type Destination, Reach } from '../../src/edge/reach.ts'
import { SipLeg } from '../../src/edge/sip-leg.ts'
import { SipProxy } from '../../src/edge/sip-proxy.ts'
import { TargetQueues } from '../../src/edge/target-queue.ts'
import { Unanswered } from '../../src/edge/unanswered.ts'
import type { Home } from '../../src/federation/model.ts'
import { ok } from '../../src/kernel/result.ts'
import type {
  BoundListener,
  Endpoint,
  Hop,
  IncomingRequest,
  InviteHandlers,
  Outcome,
  RespondOptions,
  SendOptions,
} from '../../src/sip/endpoint/endpoint.ts'
import type { Target } from '../../src/sip/locate/target.ts'
import type { SipRequest } from '../../src/sip/message.ts'
import { LoopDetection } from '../../src/sip/proxy/loop.ts'
import { Relays } from '../../src/sip/proxy/relay.ts'
import { home } from '../federation/fixtures.ts'
import { arrivalOf, countingRandom, open, pipelineRig, sipResponse } from './support.ts'

export interface Sending {
  readonly request: SipRequest
  readonly hop: Hop
  readonly options: SendOptions | undefined
  readonly body: string
  end(outcome: Outcome): void
}

export interface Inviting {
  readonly request: SipRequest
  readonly hop: Hop
  readonly on: InviteHandlers
  /** Fields of each CANCEL. */
  readonly cancels: (readonly (readonly [string, string])[])[]
}

export interface Acking {
  readonly request: SipRequest
  readonly hop: Hop
  readonly options: SendOptions | undefined
}

export const OK: Outcome = { kind: 'response', response: sipResponse(200, 'OK') }

const target = (parts: Partial<Target> = {}): Target => ({
  transport: 'udp',
  address: '127.0.0.1',
  port: 5070,
  host: '127.0.0.1',
  server: '127.0.0.1',
  ...parts,
})
export const at = (parts: Partial<Target> = {}): Destination => {
  const one = target(parts)
  return { transport: one.transport, address: one.address, port: one.port, side: 'inside', target: one }
}
export const UDP = at()
export const TCP = at({ transport: 'tcp' })

export const LISTENERS: readonly BoundListener[] = [
  {
    name: 'inside-udp',
    transport: 'udp',
    address: '127.0.0.1',
    port: 5060,
    side: 'inside',
    sentBy: '127.0.0.1:5060',
  },
  {
    name: 'outside-tls',
    transport: 'tls',
    address: '192.0.2.1',
    port: 5061,
    side: 'outside',
    sentBy: 'edge.sip.example:5061',
  },
]

export interface RigOptions {
  readonly row?: Partial<Home>
  readonly places?: readonly Destination[]
  readonly perTarget?: number
  /** Where access edges are; by default each at one address. */
  readonly edges?: (host: string) => readonly Target[]
  readonly timerC?: number
  /** Of homes with credentials. */
  readonly passwords?: Readonly<Record<string, string>>
  readonly calls?: CallLimits
  readonly unansweredPerPeer?: number
  readonly delivered?: PipelineOptions['delivered']
}

/** A SIP leg whose endpoint the test plays. */
export function rigged({
  row = {},
  places = [UDP],
  perTarget = 10,
  edges,
  timerC,
  passwords = {},
  calls = { calls: 10_000, callsPerPeer: 1000 },
  unansweredPerPeer = 10_000,
  delivered,
}: RigOptions = {}) {
  const rig = pipelineRig({
    ...(delivered && { delivered }),
    exits: {
      toHome: (arrival, where, verdict) => leg.toHome(arrival, where, verdict),
      toProvider: (arrival, provider) => leg.toProvider(arrival, provider),
      toDomain: (arrival) => leg.toProvider(arrival, undefined),
    },
  })
  rig.snapshot = open({ homes: [home(row)] })
  const sends: Sending[] = []
  const invites: Inviting[] = []
  const acks: Acking[] = []
  const endpoint: Endpoint = {
    listeners: LISTENERS,
    listenerFor: (hop) => LISTENERS.find(({ side }) => side === (hop.side ?? 'outside')),
    send: (request, to, on, options) => {
      const body = Buffer.from(request.body).toString()
      sends.push({ request, hop: to, options, body, end: on })
    },
    invite: (request, hop, on) => {
      const cancels: Inviting['cancels'] = []
      invites.push({ request, hop, on, cancels })
      return { cancel: (fields = []) => cancels.push(fields) }
    },
    ack: (request, hop, options) => acks.push({ request, hop, options }),
    stats: () => {
      throw new Error('not asked')
    },
    drain: async () => true,
    close: async () => {},
  }
  const tags = new OwnTags(countingRandom())
  const queues = new TargetQueues<Failure>({ perTarget, total: 100 })
  const { clock, timers } = rig.time
  const reach = new Reach(clock)
  const openCalls = new OpenCalls(calls)
  const pass = new DialogPass(countingRandom(), clock, 86_400_000)
  const own = new Set(LISTENERS.map(({ sentBy }) => sentBy))
  const shared = {
    endpoint: () => endpoint,
    snapshot: () => rig.snapshot,
    placesOf: () => places,
    reach,
    pass,
    isOwn: ({ host, port }: { host: string; port: number | undefined }) => own.has(`${host}:${port ?? 5060}`),
    health: new PeerHealth(rig.log),
    edge: () => 'edge.sip.example',
    counters: rig.counters,
  }
  const leg: SipLeg = new SipLeg({
    ...shared,
    pipeline: () => rig.pipeline,
    proxy: new SipProxy({
      ...shared,
      relays: new Relays({ endpoint: () => endpoint, timers, ...(timerC === undefined ? {} : { timerC }) }),
      calls: openCalls,
      unanswered: new Unanswered(unansweredPerPeer),
      loops: new LoopDetection({ random: countingRandom(), own: () => own }),
    }),
    destinations: new Destinations({
      locate: async (host) =>
        ok(
          edges?.(host) ?? [
            target({ transport: 'tls', address: '192.0.2.9', port: 5061, host, server: host }),
          ],
        ),
      reach,
      clock,
    }),
    challenges: new Challenges({
      random: countingRandom(),
      passwordOf: (name) => passwords[name],
      log: rig.log,
      clock,
    }),
    choices: () => ({ noLiveLink: 480, retryAfter: 30 }),
    queues,
    tags,
    peers: new PeerLog({ log: rig.log, clock }),
  })
  /** Juliet's message on its way to Romeo. */
  const fromJuliet = (parts: Parameters<typeof arrivalOf>[0] = {}) => {
    const arrival = arrivalOf(parts)
    rig.pipeline.take(arrival)
    return arrival
  }
  const bodies = () => sends.map(({ body }) => body)
  return {
    ...rig,
    rig,
    leg,
    sends,
    invites,
    acks,
    bodies,
    queues,
    tags,
    fromJuliet,
    endpoint,
    pass,
    openCalls,
  }
}

export interface Answered {
  readonly status: number
  readonly reason: string | undefined
  readonly headers: readonly (readonly [string, string])[]
}

/** A request as the endpoint hands it over, and what it was answered. */
export function incoming(request: SipRequest, source: Partial<IncomingRequest['source']> = {}) {
  const answers: Answered[] = []
  const whole: (RespondOptions & { readonly status: number })[] = []
  const cancels: ((cancel: SipRequest) => void)[] = []
  const value: IncomingRequest = {
    request,
    source: {
      transport: 'udp',
      address: '127.0.0.1',
      port: 5070,
      listener: 'inside-udp',
      side: 'inside',
      ...source,
    },
    respond: (status, options = {}) => {
      answers.push({ status, reason: options.reason, headers: options.headers ?? [] })
      whole.push({ status, ...options })
    },
    onCancel: (then) => cancels.push(then),
  }
  return { value, answers, whole, cancel: (request: SipRequest) => cancels.at(-1)?.(request) }
}
