import { markBy } from '../federation/level.ts'
import { peerOf, standingOf } from '../federation/lookup.ts'
import type { Home, SipProvider } from '../federation/model.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { Verdict } from '../federation/verdict.ts'
import type { BoundListener, Endpoint, Outcome } from '../sip/endpoint/endpoint.ts'
import type { HeaderField } from '../sip/headers.ts'
import type { SipRequest, SipResponse } from '../sip/message.ts'
import { forwarded, passedFields } from '../sip/proxy/forward.ts'
import type { LoopDetection } from '../sip/proxy/loop.ts'
import { recordedAsSent } from '../sip/proxy/recorded.ts'
import type { Relays } from '../sip/proxy/relay.ts'
import { has } from '../sip/scan.ts'
import type { Uri } from '../sip/uri.ts'
import { type Arrival, type Ending, failed, type Passing } from './arrival.ts'
import { assertedBy } from './asserted.ts'
import type { Counters } from './counters.ts'
import type { DialogPass } from './dialog-pass.ts'
import { insideHops } from './inside-hops.ts'
import { insideRoutes, insideUri } from './inside-target.ts'
import { isRecorded } from './methods.ts'
import type { OpenCalls } from './open-calls.ts'
import type { PeerHealth, SipPeer } from './peer-health.ts'
import type { Destination, Reach } from './reach.ts'
import { markIn, PASS } from './sip-reading.ts'
import { markField, withheldInside, withheldOutside } from './trust-headers.ts'
import type { Unanswered } from './unanswered.ts'

export interface SipProxyOptions {
  readonly endpoint: () => Pick<Endpoint, 'ack' | 'listenerFor' | 'listeners'>
  readonly relays: Relays
  readonly loops: LoopDetection
  readonly calls: OpenCalls
  readonly unanswered: Unanswered
  readonly pass: DialogPass
  readonly snapshot: () => Snapshot
  readonly reach: Reach
  readonly placesOf: (home: Home) => readonly Destination[]
  /** The name by which we are known: of the access edge that sets the mark. */
  readonly edge: () => string
  readonly health: PeerHealth
  readonly counters: Counters
}

/** An arrival that came over SIP. */
export type SipArrival = Arrival & { readonly passing: Passing }

export const isSip = (arrival: Arrival): arrival is SipArrival => arrival.passing !== undefined

/** One way through: where to, and what becomes of header fields in each direction. */
interface Way {
  readonly peer: SipPeer
  readonly places: readonly Destination[]
  readonly uri: Uri
  readonly routes: readonly string[]
  readonly withoutRequest: ReadonlySet<string>
  readonly extra: readonly HeaderField[]
  readonly fieldsOf: (response: SipResponse) => readonly HeaderField[]
}

const NOTHING: readonly HeaderField[] = []

/**
 * The edge as a stateful proxy between SIP providers and home servers (RFC 3261 §16): what the rules have let through goes
 * on, marked for the inside, without private header fields for the outside. It is not touched otherwise.
 */
export class SipProxy {
  readonly #options: SipProxyOptions

  constructor(options: SipProxyOptions) {
    this.#options = options
  }

  toHome(arrival: SipArrival, home: Home, verdict: Verdict): void {
    this.#pass(arrival, this.#wayInside(arrival, home, verdict))
  }

  toProvider(arrival: SipArrival, provider: SipProvider | undefined, places: readonly Destination[]): void {
    this.#pass(arrival, this.#wayOutside(arrival, provider, places))
  }

  /** We have answered it ourselves, since we stop. */
  abandon({ incoming }: Passing): void {
    this.#options.relays.abandon(incoming)
  }

  /** An ACK for a 2xx that the rules let through: nobody hears what becomes of it. */
  ackToHome(arrival: SipArrival, home: Home, verdict: Verdict): void {
    this.#passAck(arrival, this.#wayInside(arrival, home, verdict))
  }

  ackToProvider(
    arrival: SipArrival,
    provider: SipProvider | undefined,
    places: readonly Destination[],
  ): void {
    this.#passAck(arrival, this.#wayOutside(arrival, provider, places))
  }

  #wayInside({ passing, from }: SipArrival, home: Home, verdict: Verdict): Way {
    const { snapshot, placesOf, edge } = this.#options
    const now = snapshot()
    const { provider } = standingOf(now, from.domain)
    const places = placesOf(home)
    return {
      peer: { kind: 'home', name: home.name },
      places: insideHops(passing, home, places),
      uri: insideUri(passing, now),
      routes: insideRoutes(passing, home, places),
      withoutRequest: withheldInside(provider),
      extra: [markField({ mark: verdict.mark, provider }, edge())],
      fieldsOf: (response) => passedFields(response, withheldOutside(), NOTHING),
    }
  }

  #wayOutside(
    { to, passing: { routed } }: SipArrival,
    provider: SipProvider | undefined,
    places: readonly Destination[],
  ): Way {
    const { snapshot, edge } = this.#options
    return {
      peer: { kind: 'provider', name: provider?.name ?? to.domain },
      places,
      uri: routed.uri,
      routes: routed.rest,
      withoutRequest: withheldOutside(),
      extra: NOTHING,
      // What comes back is marked like what comes in (design: enforcement).
      fieldsOf: (response) => {
        const { level } = standingOf(snapshot(), to.domain)
        const mark = markBy(level, assertedBy(provider, response.headers, to))
        return passedFields(response, withheldInside(provider), [markField({ mark, provider }, edge())])
      },
    }
  }

  #pass(arrival: SipArrival, way: Way): void {
    const { relays, loops, counters } = this.#options
    const { incoming } = arrival.passing
    const loop = loops.fingerprint(incoming.request)
    if (loops.isLooping(incoming.request, loop)) {
      counters.add('refused.loop')
      arrival.end(failed('loop'))
      return
    }
    const fitting = this.#fitting(arrival, way)
    if (fitting === undefined) return
    const left = this.#roomFor(arrival, way)
    if (left === undefined) return
    const request = this.#forwarded(arrival, way, fitting[0] as Destination)
    const recorded = isRecordedFor(arrival) ? request.headers.all('Record-Route') : []
    relays.begin({
      incoming,
      request,
      loop,
      hops: fitting,
      fieldsOf: (response) => recordedAsSent(way.fieldsOf(response), recorded, response.status),
      tried: (hop, outcome) => {
        this.#options.reach.heard((hop as Destination).target, outcome)
        this.#options.health.heard(way.peer, hop, outcome)
      },
      ended: (outcome) => {
        left()
        arrival.end(endingOf(outcome))
      },
    })
  }

  /** Undefined: there are too many calls already, or its peer does not answer, and the arrival has ended. */
  #roomFor(arrival: SipArrival, { peer }: Way): (() => void) | undefined {
    const { calls, unanswered, counters, snapshot } = this.#options
    if (arrival.request.method !== 'INVITE') {
      const left = unanswered.enter(peer)
      if (left === undefined) {
        counters.add('sip.too-many-unanswered')
        // Not 503, which would say that we are not to be asked for anybody (RFC 3261 §21.5.4).
        arrival.end(failed('transport'))
      }
      return left
    }
    const now = snapshot()
    const { from, to } = arrival
    const left = calls.enter(peerOf(now, now.servedDomains.has(from.domain) ? to.domain : from.domain))
    if (left === undefined) {
      counters.add('sip.too-many-calls')
      arrival.end(failed('busy'))
    }
    return left
  }

  /** Undefined: there is no place to send it to, and the arrival has ended. */
  #fitting(arrival: SipArrival, way: Way): readonly Destination[] | undefined {
    // RFC 5630 §3.3: a sips: URI asks for TLS on every hop.
    const secure = arrival.passing.routed.uri.scheme === 'sips'
    const fitting = secure ? way.places.filter(({ transport }) => transport === 'tls') : way.places
    if (fitting.length > 0) return fitting
    arrival.end(failed(secure && way.places.length > 0 ? 'no-route' : 'transport'))
    return undefined
  }

  #passAck(arrival: SipArrival, way: Way): void {
    const [hop] = way.places
    const { incoming } = arrival.passing
    if (hop === undefined) return
    const loop = this.#options.loops.fingerprint(incoming.request)
    if (this.#options.loops.isLooping(incoming.request, loop)) return
    this.#options.endpoint().ack(this.#forwarded(arrival, way, hop), hop, { forwarded: { loop } })
  }

  #forwarded(arrival: SipArrival, way: Way, hop: Destination): SipRequest {
    const { incoming } = arrival.passing
    return forwarded(incoming.request, incoming.source, {
      uri: way.uri,
      routes: way.routes,
      recordRoutes: this.#recordRoutes(arrival, way, hop),
      without: way.withoutRequest,
      extra: way.extra,
    })
  }

  /** Two of ours: each side sees the listener that faces it (RFC 5658 §4). */
  #recordRoutes(arrival: SipArrival, way: Way, hop: Destination): readonly string[] {
    const { endpoint } = this.#options
    const { source } = arrival.passing.incoming
    if (!isRecordedFor(arrival)) return []
    const far = endpoint().listenerFor(hop)
    const near = endpoint().listeners.find(({ name }) => name === source.listener)
    if (far === undefined || near === undefined) return []
    const mark = this.#markOf(arrival)
    const secure = way.uri.scheme === 'sips'
    return [far, near].map((listener) => recordRoute(listener, mark, secure))
  }

  /** Within a dialog that of the dialog: nothing that is sent in it makes it younger. */
  #markOf({ request, passing }: SipArrival): string {
    const { pass } = this.#options
    const given = markIn(passing.routed.own)
    return given !== undefined && pass.admits(given, request) !== undefined ? given : pass.for(request)
  }
}

/** A sips: URI where the Request-URI is one (RFC 3261 §16.6 (4)); it needs no transport (RFC 5630 §3.1.4). */
const recordRoute = ({ sentBy, transport }: BoundListener, mark: string, secure: boolean): string =>
  secure && transport === 'tls'
    ? `<sips:${sentBy};lr;${PASS}=${mark}>`
    : `<sip:${sentBy};transport=${transport};lr;${PASS}=${mark}>`

function isRecordedFor({ request: { method, headers } }: SipArrival): boolean {
  return isRecorded(method, has(headers.to()?.params ?? [], 'tag'))
}

function endingOf(outcome: Outcome): Ending {
  switch (outcome.kind) {
    case 'response':
      return { kind: 'relayed', status: outcome.response.status }
    case 'timeout':
      return failed('timeout')
    case 'transport-failure':
      return failed('transport')
    default:
      return outcome satisfies never
  }
}
