import type { Address } from '../federation/address.ts'
import type { Evidence } from '../federation/evidence.ts'
import type { Home } from '../federation/model.ts'
import type { RequestKind } from '../federation/request.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import { exceedsMessageLimit, sizeRefusal } from '../interworking/size.ts'
import type { Endpoint, IncomingRequest, Outcome } from '../sip/endpoint/endpoint.ts'
import { requestSize } from '../sip/size.ts'
import type { Hop } from '../sip/transport/place.ts'
import { uriText } from '../sip/uri-write.ts'
import { addressOf } from './address-book.ts'
import { type Arrival, DELIVERED, type Ending, type Failure, failed } from './arrival.ts'
import type { Counters } from './counters.ts'
import type { HomeHealth } from './home-health.ts'
import { homeOf } from './homes.ts'
import type { OwnTags } from './own-tags.ts'
import type { Pipeline } from './pipeline.ts'
import { type SipAnswerChoices, sipAnswer } from './sip-answers.ts'
import type { TargetQueues } from './target-queue.ts'

export interface SipLegOptions {
  readonly endpoint: () => Endpoint
  readonly pipeline: Pipeline
  readonly snapshot: () => Snapshot
  /** Where a home server's next hop is now; undefined: its name does not resolve. */
  readonly hopOf: (home: Home) => Hop | undefined
  readonly choices: () => SipAnswerChoices
  readonly queues: TargetQueues<Failure>
  readonly tags: OwnTags
  /** Whether home servers answer; absent: nobody wants to know. */
  readonly health?: HomeHealth
  readonly counters: Counters
}

const KINDS: Readonly<Record<string, RequestKind>> = { MESSAGE: 'message' }

/** SIP on both of its sides: requests in from home servers, requests out to them. */
export class SipLeg {
  readonly #options: SipLegOptions

  constructor(options: SipLegOptions) {
    this.#options = options
  }

  /** What the endpoint hands over: a request that RFC 3261 §8.2 found nothing wrong with. */
  onRequest(incoming: IncomingRequest): void {
    const { request } = incoming
    const kind = KINDS[request.method]
    if (kind === undefined) {
      incoming.respond(405, { headers: [['Allow', Object.keys(KINDS).join(', ')]] })
      return
    }
    const sender = request.headers.from()
    const from = sender === undefined ? undefined : addressOf(sender.uri)
    const to = addressOf(request.uri)
    if (from === undefined || to === undefined) {
      this.#options.counters.add('sip.no-address')
      incoming.respond(from === undefined ? 403 : 404)
      return
    }
    if (this.#options.tags.isOwn(request)) {
      this.#options.counters.add('refused.loop')
      incoming.respond(482)
      return
    }
    this.#options.pipeline.take({
      kind,
      request,
      from,
      to,
      evidence: this.#evidence(incoming, from),
      end: (ending) => {
        const answer = sipAnswer(ending, this.#options.choices(), request)
        incoming.respond(answer.status, { reason: answer.reason, headers: answer.headers })
      },
    })
  }

  #evidence(incoming: IncomingRequest, from: Address): Evidence {
    const home = homeOf(this.#options.snapshot(), incoming.source, from)
    return home === undefined ? { kind: 'none' } : { kind: 'home', home: home.name }
  }

  /** To a home server: one open MESSAGE per target, or per conversation where the path is congestion-safe. */
  toHome(arrival: Arrival, home: Home): void {
    const hop = this.#options.hopOf(home)
    if (hop === undefined) {
      arrival.end(failed('transport'))
      return
    }
    const { request } = arrival
    const size = requestSize(request)
    if (sizeRefusal(size, home.congestionSafePath) !== undefined) {
      arrival.end(failed('too-large'))
      return
    }
    if (home.congestionSafePath && hop.transport === 'tcp') {
      this.#send(arrival, home, hop, () => {})
      return
    }
    // A long one goes over TCP; where that is not heard, the short ones behind it may well arrive.
    const alone = exceedsMessageLimit(size)
    const target = uriText(request.uri)
    const key = home.congestionSafePath ? `${target} ${arrival.from.user}@${arrival.from.domain}` : target
    const entered = this.#options.queues.enter(key, {
      start: (done) => this.#send(arrival, home, hop, (failure) => done(alone ? undefined : failure)),
      giveUp: (failure) => arrival.end(failed(failure)),
    })
    if (!entered) arrival.end(failed('busy'))
  }

  #send(arrival: Arrival, home: Home, hop: Hop, done: (failure?: Failure) => void): void {
    const finish = (outcome: Outcome): void => {
      this.#options.health?.heard(home, hop, outcome)
      const ending = endingOf(outcome)
      arrival.end(ending)
      done(ending.kind === 'failed' ? ending.failure : undefined)
    }
    this.#options.endpoint().send(arrival.request, hop, finish, { backToUdp: false })
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
