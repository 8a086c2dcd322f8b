import type { Outcome } from '../sip/endpoint/endpoint.ts'
import type { Hop } from '../sip/transport/place.ts'
import type { Log } from './log.ts'

/** Whom we send SIP to; a provider is named by its row, a domain without one by itself. */
export interface SipPeer {
  readonly kind: 'home' | 'provider'
  readonly name: string
}

/** Peers that are remembered to be down. */
const MOST = 10_000

/** Says once that a home server or provider does not answer, and once that it does again. */
export class PeerHealth {
  readonly #log: Log
  readonly #down = new Set<string>()

  constructor(log: Log) {
    this.#log = log
  }

  heard({ kind, name }: SipPeer, hop: Hop, outcome: Outcome): void {
    if (outcome.kind === 'response' && this.#down.size === 0) return
    const key = `${kind} ${name}`
    if (outcome.kind === 'response') {
      if (!this.#down.delete(key)) return
      if (kind === 'home') this.#log.info({ home: name }, 'the home server answers again')
      else this.#log.info({ provider: name }, 'the SIP provider answers again')
      return
    }
    const reason = outcome.kind === 'timeout' ? 'no answer in time' : outcome.reason
    if (reason === 'closing' || this.#down.has(key)) return
    if (this.#down.size >= MOST) this.#down.clear()
    this.#down.add(key)
    const { transport, address, port } = hop
    const about = { [kind]: name, transport, address, port, reason }
    if (kind === 'home') this.#log.warn(about, 'the home server does not answer')
    else this.#log.warn(about, 'the SIP provider does not answer')
  }
}
