import { type Domain, parseDomain } from '../../kernel/domain.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import type { Element } from '../xml/element.ts'
import type { StreamError } from '../xml/stream-error.ts'
import { type DomainPair, type PairKey, pairKey } from './domain-pair.ts'
import type { StreamProof, Way } from './negotiation.ts'

export interface Proved {
  readonly pair: DomainPair
  readonly proof: StreamProof
  readonly way: Way
}

/** Spellings of proved pairs that are remembered, so that domains are not prepared anew for each stanza. */
const SPELLINGS = 200

/** What may be said on one stream that was opened to us. */
export class ProvedPairs {
  readonly #pairs = new Map<PairKey, Proved>()
  readonly #spelled = new Map<string, Proved>()

  get size(): number {
    return this.#pairs.size
  }

  get all(): readonly Proved[] {
    return [...this.#pairs.values()]
  }

  has(pair: DomainPair): boolean {
    return this.#pairs.has(pairKey(pair))
  }

  add(proved: Proved): void {
    this.#pairs.set(pairKey(proved.pair), proved)
  }

  remove(pair: DomainPair): void {
    this.#pairs.delete(pairKey(pair))
    this.#spelled.clear()
  }

  ofSender(domain: Domain): boolean {
    return this.all.some(({ pair }) => pair.sender === domain)
  }

  /** The pair that a stanza belongs to, by the domains of its addresses, or why it ends the stream (RFC 6120 §8.1.1.2, §8.1.2.2). */
  of(stanza: Element): Result<Proved, StreamError> {
    const from = domainPart(stanza.attrs.from)
    const to = domainPart(stanza.attrs.to)
    if (from === undefined || to === undefined)
      return err({ condition: 'improper-addressing', text: 'a stanza needs a from and a to' })
    // No domain that could be prepared holds a space: nothing else is remembered.
    const spelling = `${from} ${to}`
    const known = this.#spelled.get(spelling)
    if (known !== undefined) return ok(known)
    const found = this.#find(from, to)
    if (found.ok) {
      if (this.#spelled.size >= SPELLINGS) this.#spelled.clear()
      this.#spelled.set(spelling, found.value)
    }
    return found
  }

  #find(from: string, to: string): Result<Proved, StreamError> {
    const sender = parseDomain(from)
    const target = parseDomain(to)
    if (sender.ok && target.ok) {
      const proved = this.#pairs.get(pairKey({ sender: sender.value, target: target.value }))
      if (proved !== undefined) return ok(proved)
    }
    return sender.ok && this.ofSender(sender.value)
      ? err({ condition: 'host-unknown', text: 'the sender may not write to this domain on this stream' })
      : err({ condition: 'invalid-from', text: 'the domain of the sender is not proved on this stream' })
  }
}

/** The domain in an address, split as `parseJid` does it: what is behind a slash is none of it (RFC 7622 §3.2). */
function domainPart(address: unknown): string | undefined {
  if (typeof address !== 'string') return undefined
  const slash = address.indexOf('/')
  const end = slash < 0 ? address.length : slash
  const at = address.indexOf('@')
  const domain = address.slice(at < end ? at + 1 : 0, end)
  return domain === '' ? undefined : domain
}
