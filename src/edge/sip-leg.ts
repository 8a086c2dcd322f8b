import { providerOf } from '../federation/lookup.ts'
import type { Home, SipProvider } from '../federation/model.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { Verdict } from '../federation/verdict.ts'
import { exceedsMessageLimit, sizeRefusal } from '../interworking/size.ts'
import type { Domain } from '../kernel/domain.ts'
import type { Endpoint, IncomingRequest, Outcome, Role, Source } from '../sip/endpoint/endpoint.ts'
import type { SipRequest } from '../sip/message.ts'
import { triesNext } from '../sip/proxy/relay.ts'
import type { IsOwn } from '../sip/proxy/routes.ts'
import { requestSize } from '../sip/size.ts'
import { uriText } from '../sip/uri-write.ts'
import type { Admission } from './admit.ts'
import { type Arrival, DELIVERED, type Ending, type Failure, failed, type Passing } from './arrival.ts'
import type { Challenges } from './challenges.ts'
import type { Counters } from './counters.ts'
import type { Destinations, Found } from './destinations.ts'
import type { DialogPass } from './dialog-pass.ts'
import type { OwnTags } from './own-tags.ts'
import type { PeerHealth } from './peer-health.ts'
import type { PeerLog } from './peer-log.ts'
import type { Pipeline } from './pipeline.ts'
import type { Destination, Reach } from './reach.ts'
import { type SipAnswerChoices, sipAnswer } from './sip-answers.ts'
import { evidenceOf } from './sip-evidence.ts'
import { isSip, type SipArrival, type SipProxy } from './sip-proxy.ts'
import { type Reading, readRequest, roleFor, type Unreadable } from './sip-reading.ts'
import type { TargetQueues } from './target-queue.ts'
import { markField } from './trust-headers.ts'

export interface SipLegOptions {
  readonly endpoint: () => Pick<Endpoint, 'send'>
  readonly pipeline: () => Pipeline
  readonly proxy: SipProxy
  readonly snapshot: () => Snapshot
  /** Where a home server is now, in the order in which to try; empty: it was not found. */
  readonly placesOf: (home: Home) => readonly Destination[]
  readonly destinations: Destinations
  readonly reach: Reach
  readonly isOwn: IsOwn
  readonly pass: DialogPass
  readonly challenges: Challenges
  readonly choices: () => SipAnswerChoices
  /** The name by which we are known. */
  readonly edge: () => string
  readonly queues: TargetQueues<Failure>
  readonly tags: OwnTags
  readonly health: PeerHealth
  /** Where what peers do is warned of. */
  readonly peers: PeerLog
  readonly counters: Counters
}

/** RFC 3428 §8. */
const AS_MESSAGE = { backToUdp: false } as const

/** SIP on both of its sides: requests in from home servers and providers, requests out to them. */
export class SipLeg {
  readonly #options: SipLegOptions
  #read: { readonly request: SipRequest; readonly reading: Reading | Unreadable } | undefined

  constructor(options: SipLegOptions) {
    this.#options = options
  }

  roleOf(request: SipRequest): Role {
    return roleFor(this.#reading(request), this.#options.snapshot())
  }

  /** The endpoint asks for our role just before it hands a request over: it is read once. */
  #reading(request: SipRequest): Reading | Unreadable {
    if (this.#read?.request !== request)
      this.#read = { request, reading: readRequest(request, this.#options) }
    return this.#read.reading
  }

  /** What the endpoint hands over: a request that nothing was found wrong with for the role that we have in it. */
  onRequest(incoming: IncomingRequest): void {
    const { request } = incoming
    const { counters, tags, choices, pipeline } = this.#options
    const reading = this.#reading(request)
    if (typeof reading === 'number') {
      if (reading === 403 || reading === 404) counters.add('sip.no-address')
      incoming.respond(reading)
      return
    }
    if (tags.isOwn(request)) {
      counters.add('refused.loop')
      incoming.respond(482)
      return
    }
    const { kind, from, to, routed, within } = reading
    const evidence = evidenceOf(incoming, from, this.#options.snapshot(), this.#options)
    const passing: Passing = { incoming, routed, within }
    pipeline().take({
      kind,
      request,
      from,
      to,
      evidence,
      passing,
      end: (ending) => {
        if (ending.kind === 'relayed') return
        if (ending.kind === 'failed' && ending.failure === 'shutdown') this.#options.proxy.abandon(passing)
        const edge = evidence.kind === 'home' ? this.#options.edge() : undefined
        const { status, reason, headers } = sipAnswer(ending, choices(), request, edge)
        incoming.respond(status, { reason, headers })
      },
    })
  }

  /** An ACK for a 2xx: it cannot be refused, but what the rules do not let through goes nowhere. */
  onAck(request: SipRequest, source: Source): void {
    const reading = this.#reading(request)
    if (typeof reading === 'number') return
    const { counters, pipeline, snapshot } = this.#options
    const incoming: IncomingRequest = { request, source, respond: () => {}, onCancel: () => {} }
    const { kind, from, to, routed, within } = reading
    const evidence = evidenceOf(incoming, from, snapshot(), this.#options)
    const arrival: SipArrival = {
      kind,
      request,
      from,
      to,
      evidence,
      passing: { incoming, routed, within },
      end: () => {},
    }
    const dropped = (): void => counters.add('sip.ack-dropped')
    const judged = (admission: Admission): void => {
      try {
        this.#passAck(arrival, admission, dropped)
      } catch (error) {
        pipeline().failed(arrival, error)
      }
    }
    pipeline().gatekeeper.judge(arrival, judged, dropped)
  }

  #passAck(arrival: SipArrival, { verdict, route }: Admission, dropped: () => void): void {
    const { proxy } = this.#options
    if (verdict.outcome === 'refuse') dropped()
    else if (route.kind === 'home') proxy.ackToHome(arrival, route.home, verdict)
    else if (route.kind === 'sip' || route.kind === 'discover') {
      const provider = route.kind === 'sip' ? route.provider : undefined
      this.#located(arrival, provider, ({ places }) => proxy.ackToProvider(arrival, provider, places))
    } else dropped()
  }

  /** What came over SIP is passed on; what was translated is sent as ours. */
  toHome(arrival: Arrival, home: Home, verdict?: Verdict): void {
    if (isSip(arrival) && verdict !== undefined) this.#options.proxy.toHome(arrival, home, verdict)
    else this.#translatedToHome(arrival, home, verdict)
  }

  /** Only a home server's own requests go there: XMPP and SIP peers do not meet here (no transit). */
  toProvider(arrival: Arrival, provider: SipProvider | undefined): void {
    if (!isSip(arrival)) {
      arrival.end(failed('no-route'))
      return
    }
    this.#located(arrival, provider, ({ places, problem }) => {
      if (places.length === 0) {
        const { peers } = this.#options
        peers.warn({ provider: provider?.name, domain: arrival.to.domain, problem }, 'no way to a SIP peer')
        arrival.end(failed('no-route'))
      } else this.#options.proxy.toProvider(arrival, provider, places)
    })
  }

  #located(arrival: SipArrival, provider: SipProvider | undefined, then: (found: Found) => void): void {
    const { destinations } = this.#options
    const as: Domain = arrival.from.domain
    const found =
      provider === undefined
        ? destinations.ofDomain(arrival.to.domain, as)
        : destinations.ofProvider(provider, as)
    if (!(found instanceof Promise)) {
      then(found)
      return
    }
    found.then(then).catch((error: unknown) => this.#options.pipeline().failed(arrival, error))
  }

  /** To a home server: one open MESSAGE per target, or per conversation where the path is congestion-safe. */
  #translatedToHome(arrival: Arrival, home: Home, verdict: Verdict | undefined): void {
    const places = this.#options.placesOf(home)
    const [first] = places
    if (first === undefined) {
      arrival.end(failed('transport'))
      return
    }
    const request = this.#marked(arrival, home, verdict)
    const size = requestSize(request)
    if (sizeRefusal(size, home.congestionSafePath) !== undefined) {
      arrival.end(failed('too-large'))
      return
    }
    if (home.congestionSafePath && first.transport !== 'udp') {
      this.#send(arrival, request, home, places, () => {})
      return
    }
    // A long one goes over TCP; where that is not heard, the short ones behind it may well arrive.
    const alone = exceedsMessageLimit(size)
    const target = uriText(request.uri)
    const key = home.congestionSafePath ? `${target} ${arrival.from.user}@${arrival.from.domain}` : target
    const entered = this.#options.queues.enter(key, {
      start: (done) =>
        this.#send(arrival, request, home, places, (failure) => done(alone ? undefined : failure)),
      giveUp: (failure) => arrival.end(failed(failure)),
    })
    if (!entered) arrival.end(failed('busy'))
  }

  /**
   * With our mark, where the home server acts by it; elsewhere its 150 octets would only be missing in the text
   * (RFC 3428 §8). A notice of ours needs none.
   */
  #marked({ request, from }: Arrival, home: Home, verdict: Verdict | undefined): SipRequest {
    if (verdict === undefined || home.enforce === 'edge') return request
    const provider = providerOf(this.#options.snapshot(), from.domain)
    const mark = markField({ mark: verdict.mark, provider }, this.#options.edge())
    return { ...request, headers: request.headers.with(mark) }
  }

  /** The next place is tried on 503, a time-out or a transport failure; a challenge is answered where it came from. */
  #send(
    arrival: Arrival,
    request: SipRequest,
    home: Home,
    places: readonly Destination[],
    done: (failure?: Failure) => void,
  ): void {
    const { challenges, endpoint, health, reach } = this.#options
    const asked = home.credentials === undefined ? undefined : challenges.begin(home, request)
    const sendTo = (at: number): void => {
      const hop = places[at] as Destination
      const finish = (outcome: Outcome): void => {
        reach.heard(hop.target, outcome)
        health.heard({ kind: 'home', name: home.name }, hop, outcome)
        const next = at + 1 < places.length && triesNext(outcome)
        if (next) sendTo(at + 1)
        else if (outcome.kind === 'response' && asked?.retries(outcome.response)) sendTo(at)
        else {
          if (outcome.kind === 'response') challenges.unanswered(home, outcome.response)
          const ending = endingOf(outcome)
          arrival.end(ending)
          done(ending.kind === 'failed' ? ending.failure : undefined)
        }
      }
      endpoint().send(asked?.request() ?? request, hop, finish, AS_MESSAGE)
    }
    sendTo(0)
  }
}

function endingOf(outcome: Outcome): Ending {
  switch (outcome.kind) {
    case 'response':
      return outcome.response.status < 300 ? DELIVERED : { kind: 'answered', response: outcome.response }
    case 'timeout':
      return failed('timeout')
    case 'transport-failure':
      return failed('transport')
    default:
      return outcome satisfies never
  }
}
