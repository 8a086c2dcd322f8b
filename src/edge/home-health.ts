import type { Home } from '../federation/model.ts'
import type { Outcome } from '../sip/endpoint/endpoint.ts'
import type { Hop } from '../sip/transport/place.ts'
import type { Log } from './log.ts'

/** Says once that a home server does not answer, and once that it does again. */
export class HomeHealth {
  readonly #log: Log
  readonly #down = new Set<string>()

  constructor(log: Log) {
    this.#log = log
  }

  heard(home: Home, hop: Hop, outcome: Outcome): void {
    if (outcome.kind === 'response') {
      if (this.#down.delete(home.name)) this.#log.info({ home: home.name }, 'the home server answers again')
      return
    }
    const reason = outcome.kind === 'timeout' ? 'no answer in time' : outcome.reason
    if (reason === 'closing' || this.#down.has(home.name)) return
    this.#down.add(home.name)
    const { transport, address, port } = hop
    this.#log.warn({ home: home.name, transport, address, port, reason }, 'the home server does not answer')
  }
}
