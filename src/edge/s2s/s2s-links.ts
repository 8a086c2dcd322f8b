import type { Evidence } from '../../federation/evidence.ts'
import { expectedProof } from '../../federation/expected-evidence.ts'
import { providerOf, s2sLinksOf } from '../../federation/lookup.ts'
import type { S2sLink } from '../../federation/model.ts'
import type { Snapshot } from '../../federation/snapshot.ts'
import { BoundedMap } from '../../kernel/bounded-map.ts'
import type { Domain } from '../../kernel/domain.ts'
import { domainOf, type Jid } from '../../xmpp/jid.ts'
import { type DomainPair, type PairKey, pairKey } from '../../xmpp/s2s/domain-pair.ts'
import type { StreamProof } from '../../xmpp/s2s/negotiation.ts'
import type { Bounce, Confirmation } from '../../xmpp/s2s/options.ts'
import type { Gateway } from '../../xmpp/services/queries.ts'
import { stanzaError } from '../../xmpp/stanza-error.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { AddressBook } from '../address-book.ts'
import type { Attached, StanzaLink } from '../attached.ts'
import type { Counters } from '../counters.ts'
import { s2sLinkOf } from './rules.ts'

export interface S2sLinksOptions {
  readonly snapshot: () => Snapshot
  /** Hands a stanza to the stream of its pair, now or when that stands. False: nothing was taken. */
  readonly send: (stanza: Element, pair: DomainPair, taken?: Confirmation) => boolean
  readonly software: Gateway['software']
  /** Addresses remembered per link; and domain pairs, with what they proved last. */
  readonly addresses: number
  readonly counters: Counters
  onStanza(via: Attached, stanza: Element): void
  /** A link can be used, or no more. */
  onChange(link: string, live: boolean): void
}

interface Running {
  readonly link: StanzaLink
  readonly book: AddressBook
  readonly gateway: Gateway
  /** One for each kind of proof. */
  readonly by: Map<string, Attached>
}

/** Streams between servers as the links of the rules: a stanza leaves by the domains in it, and comes with what its stream proved. */
export class S2sLinks {
  readonly #options: S2sLinksOptions
  readonly #running = new Map<string, Running>()
  /** By the pair as it comes in. */
  readonly #proofs: BoundedMap<PairKey, StreamProof>

  constructor(options: S2sLinksOptions) {
    this.#options = options
    this.#proofs = new BoundedMap(options.addresses)
  }

  /** Those of the snapshot are usable at once: a stream is opened when there is something to say. */
  apply(snapshot: Snapshot): void {
    const { onChange } = this.#options
    for (const name of [...this.#running.keys()]) {
      const row = snapshot.links.get(name)
      if (row?.kind === 's2s' && !row.suspended) continue
      this.#running.delete(name)
      onChange(name, false)
    }
    for (const row of snapshot.links.values()) {
      if (row.kind !== 's2s' || row.suspended || this.#running.has(row.name)) continue
      this.#running.set(row.name, this.#run())
      onChange(row.name, true)
    }
  }

  attached(row: S2sLink, own: Domain, other: Domain): Attached | undefined {
    const pair = { sender: other, target: own }
    // While there is no stream: by what the last one proved, or the rightful server would.
    const proof =
      this.#proofs.get(pairKey(pair), 0) ?? expectedProof(providerOf(this.#options.snapshot(), other))
    return this.#attached(row.name, proof)
  }

  /** A stanza has come on a stream that has proved the pair. */
  arrived(stanza: Element, pair: DomainPair, proof: StreamProof): void {
    const { snapshot, counters, onStanza } = this.#options
    const row = s2sLinkOf(snapshot(), pair.target, pair.sender)
    const via = row === undefined ? undefined : this.#attached(row.name, proof)
    if (via === undefined) {
      counters.add('xmpp.no-s2s-link')
      return
    }
    this.#proofs.set(pairKey(pair), proof, 0)
    onStanza(via, stanza)
  }

  /** A stanza of ours did not leave: its sender is told as if the other server had said so (RFC 6120 §10.4). */
  bounced(stanza: Element, { condition, text }: Bounce): void {
    const { counters, onStanza, snapshot } = this.#options
    counters.add('xmpp.undelivered')
    const error = stanzaError(stanza, condition, { text })
    const own = pairOf(stanza)?.sender
    const served = own === undefined ? undefined : snapshot().servedDomains.get(own)
    // Also where the rules do not allow the pair any more: that may be why it did not leave.
    const [row] = served === undefined ? [] : s2sLinksOf(snapshot(), served)
    const via = row === undefined ? undefined : this.#attached(row.name, expectedProof(undefined))
    if (error !== undefined && via !== undefined) onStanza(via, error)
  }

  #attached(name: string, proof: StreamProof): Attached | undefined {
    const running = this.#running.get(name)
    if (running === undefined) return undefined
    const { link, book, gateway, by } = running
    const kind = `${proof.certificate} ${proof.dialback} ${proof.tls}`
    let via = by.get(kind)
    if (via === undefined) {
      const evidence: Evidence = { kind: 's2s', link: name, ...proof }
      via = { name, link, book, gateway, evidence, domain: undefined }
      by.set(kind, via)
    }
    return via
  }

  #run(): Running {
    const { send, software, addresses } = this.#options
    return {
      link: {
        live: true,
        send(stanza, taken) {
          const pair = pairOf(stanza)
          return pair !== undefined && send(stanza, pair, taken)
        },
      },
      book: new AddressBook({ kind: 'straight' }, addresses),
      gateway: { software, type: 'sip' },
      by: new Map(),
    }
  }
}

function pairOf({ attrs }: Element): DomainPair | undefined {
  const sender = domainOf(String(attrs.from ?? '') as Jid)
  const target = domainOf(String(attrs.to ?? '') as Jid)
  return sender === undefined || target === undefined ? undefined : { sender, target }
}
