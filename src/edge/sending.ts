import type { Home } from '../federation/model.ts'
import type { Hop } from '../sip/endpoint/endpoint.ts'
import type { Sending } from '../sip/events/carry.ts'
import type { Challenges } from './challenges.ts'
import type { PeerHealth } from './peer-health.ts'
import type { Destination, Reach } from './reach.ts'

export interface SendingOptions {
  readonly challenges: Challenges
  readonly reach: Reach
  readonly health: PeerHealth
}

/** How one request of a dialog goes to a home server: its challenges are answered, and what is heard of its places is noted. */
export const sendingTo =
  ({ challenges, reach, health }: SendingOptions) =>
  (home: Home): Sending => {
    const answering = challenges.answering(home)
    return {
      written: (request) => answering?.written(request) ?? request,
      heard(hop, outcome) {
        if (isDestination(hop)) reach.heard(hop.target, outcome)
        health.heard({ kind: 'home', name: home.name }, hop, outcome)
        if (outcome.kind !== 'response') return false
        const again = answering?.retries(outcome.response) === true
        if (!again) challenges.unanswered(home, outcome.response)
        return again
      },
    }
  }

const isDestination = (hop: Hop): hop is Destination => 'target' in hop
