import type { Element } from '../xml/element.ts'
import type { StreamError } from '../xml/stream-error.ts'
import { type Authority, verifyAnswer } from './authoritative.ts'
import {
  type DialbackCondition,
  type DialbackFault,
  type ResultRequest,
  readDialback,
  writeDialback,
} from './dialback.ts'
import type { DomainPair } from './domain-pair.ts'
import { type Initiator, keyPolicy } from './negotiation.ts'
import type { PeerRules } from './options.ts'
import type { Receiver } from './receiver.ts'
import type { KeyPolicy, StreamName } from './receiving-state.ts'

export interface KeysDeps {
  readonly name: StreamName
  readonly authority: Authority
  readonly receiver: Pick<Receiver, 'key' | 'answer'>
  /** The id of our last header. */
  streamId(): string
  rules(pair: DomainPair): PeerRules | undefined
  /** Could the partner have the stream among its own? */
  hasRoom(rules: PeerRules): boolean
  /** What TLS says of that domain. */
  seen(pair: DomainPair): Omit<Initiator, 'version'>
  write(element: Element): void
  fail(error: StreamError): void
  /** Somebody answered what nobody had asked. */
  unsolicited(): void
}

const FAULTS: Readonly<Record<Exclude<DialbackFault, 'not-dialback'>, StreamError>> = {
  'bad-from': { condition: 'improper-addressing', text: 'dialback from no domain' },
  'bad-to': { condition: 'improper-addressing', text: 'dialback to no domain' },
  'bad-id': { condition: 'bad-format', text: 'dialback for no stream' },
  'bad-key': { condition: 'bad-format', text: 'dialback with no key that can be used' },
  'bad-type': { condition: 'bad-format', text: 'dialback of an unknown type' },
}

/** Dialback on a stream that was opened to us (XEP-0220): keys to be verified, and whatever else comes with it. */
export class IncomingKeys {
  readonly #deps: KeysDeps
  #used = false
  #asked = false

  constructor(deps: KeysDeps) {
    this.#deps = deps
  }

  /** A key has come. */
  get used(): boolean {
    return this.#used
  }

  /** Our word on keys is all that was wanted. */
  get onlyAsked(): boolean {
    return this.#asked && !this.#used
  }

  /** False: it is something else. */
  element(element: Element): boolean {
    const { authority, receiver, name, write, fail, unsolicited } = this.#deps
    const read = readDialback(element)
    if (!read.ok) {
      if (read.error === 'not-dialback') return false
      fail(FAULTS[read.error])
      return true
    }
    const dialback = read.value
    if (dialback.kind === 'answer') {
      if (dialback.element === 'verify') receiver.answer(name, dialback)
      // We send no keys this way.
      else unsolicited()
    } else if (dialback.element === 'verify') {
      this.#asked = true
      write(writeDialback(verifyAnswer(dialback, authority)))
    } else {
      this.#used = true
      receiver.key(name, this.#deps.streamId(), dialback, this.#policy(dialback))
    }
    return true
  }

  /** By the rules for the key's own sender, who may be another than that of the header. */
  #policy({ from, to }: ResultRequest): KeyPolicy {
    const { authority, rules, hasRoom, seen } = this.#deps
    const refuse = (condition: DialbackCondition): KeyPolicy => ({ kind: 'refuse', condition })
    if (!authority.serves(to.domain)) return refuse('item-not-found')
    const pair = { sender: from.domain, target: to.domain }
    const found = rules(pair)
    if (found === undefined) return refuse('policy-violation')
    const policy = keyPolicy(found.accepted, seen(pair))
    return policy.kind !== 'refuse' && !hasRoom(found) ? refuse('resource-constraint') : policy
  }
}
