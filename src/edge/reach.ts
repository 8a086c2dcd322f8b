import type { Clock } from '../kernel/clock.ts'
import type { Outcome } from '../sip/endpoint/endpoint.ts'
import { Penalties, type PenaltyOptions, type Tried } from '../sip/locate/penalty.ts'
import type { Target } from '../sip/locate/target.ts'
import type { Hop, Side } from '../sip/transport/place.ts'

/** What has been heard lately of the places that requests go to (RFC 3263 §4.3): who failed is asked last. */
export class Reach {
  readonly #clock: Pick<Clock, 'now'>
  readonly #penalties: Penalties

  constructor(clock: Pick<Clock, 'now'>, options: Partial<PenaltyOptions> = {}) {
    this.#clock = clock
    this.#penalties = new Penalties(options)
  }

  order(targets: readonly Target[]): readonly Target[] {
    return targets.length < 2 ? targets : this.#penalties.order(targets, this.#clock.now())
  }

  heard(target: Target, outcome: Outcome): void {
    const fine = outcome.kind === 'response' && outcome.response.status !== 503
    if (fine && this.#penalties.size === 0) return
    this.#penalties.note(target, triedOf(outcome), this.#clock.now())
  }
}

/** A place as its address book has it: where it is, and what is sent there. */
export interface Destination extends Hop {
  readonly target: Target
}

/** @param names over TLS, the domains of which the peer must prove one; @param as on whose behalf it goes */
export const destination = (
  target: Target,
  side: Side,
  names: readonly string[],
  as?: string,
): Destination => {
  const { transport, address, port } = target
  const tls = transport === 'tls' ? { names, ...(as === undefined ? {} : { as }) } : {}
  return { transport, address, port, side, target, ...tls }
}

function triedOf(outcome: Outcome): Tried {
  if (outcome.kind !== 'response') return outcome
  const { status, headers } = outcome.response
  const seconds = status === 503 ? /^\d{1,6}/.exec(headers.get('Retry-After') ?? '')?.[0] : undefined
  return { kind: 'response', status, retryAfter: seconds === undefined ? undefined : Number(seconds) * 1000 }
}
