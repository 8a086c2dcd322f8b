import type { Result } from '../../kernel/result.ts'
import type { Element } from '../xml/element.ts'
import type { StreamError } from '../xml/stream-error.ts'
import { certificateCheck } from './certificate-check.ts'
import { answerTo, failed, type ResultAnswer, type ResultRequest } from './dialback.ts'
import type { DomainPair } from './domain-pair.ts'
import { type Accepted, keyPolicy, keyProof, type StreamProof, type Way } from './negotiation.ts'
import type { S2sOptions } from './options.ts'
import { type Proved, ProvedPairs } from './proved-pairs.ts'
import type { Secured } from './wire.ts'

/** What a certificate proves, and nothing else, whatever key comes with it. */
const VOUCHED: StreamProof = keyProof('certificate', { tls: true, certificate: 'match' })

/**
 * What may come back on a stream that we opened (XEP-0288 §2.2). A certificate that names the sender is all that counts: a
 * dialback key would be made over an id that the one who sends it has chosen, and could be an old one of somebody else.
 */
export class ReverseWay {
  readonly #options: Pick<S2sOptions, 'serves' | 'rulesFor' | 'limits'>
  readonly #secured: Secured
  readonly #pairs = new ProvedPairs()

  /** @param pair from the peer, whose certificate was found to match, to us */
  constructor(
    options: Pick<S2sOptions, 'serves' | 'rulesFor' | 'limits'>,
    secured: Secured,
    pair: DomainPair,
  ) {
    this.#options = options
    this.#secured = secured
    this.#add(pair, 'sasl-tls')
  }

  /** The pair that a stanza belongs to, or why it ends the stream. */
  of(stanza: Element): Result<Proved, StreamError> {
    return this.#pairs.of(stanza)
  }

  /** The peer wants to send for another pair. */
  key(request: ResultRequest): ResultAnswer {
    const pair: DomainPair = { sender: request.from.domain, target: request.to.domain }
    if (this.#pairs.has(pair)) return answerTo(request, { type: 'valid' })
    if (!this.#options.serves(pair.target)) return answerTo(request, failed('item-not-found'))
    const certificate = certificateCheck(this.#secured, pair.sender)
    const policy = keyPolicy(this.#accepted(pair), { tls: true, certificate })
    if (policy.kind === 'refuse') return answerTo(request, failed(policy.condition))
    if (policy.kind === 'verify') return answerTo(request, failed('not-authorized'))
    if (this.#pairs.size >= this.#options.limits.pairs)
      return answerTo(request, failed('resource-constraint'))
    this.#add(pair, 'tls-dialback')
    return answerTo(request, { type: 'valid' })
  }

  /** The rules have changed: pairs that they no longer allow are forgotten. */
  recheck(): void {
    for (const { pair } of this.#pairs.all)
      if (!this.#accepted(pair).some(isOverTls)) this.#pairs.remove(pair)
  }

  #accepted({ sender, target }: DomainPair): Accepted {
    return this.#options.rulesFor(target, sender)?.accepted ?? []
  }

  #add(pair: DomainPair, way: Way): void {
    this.#pairs.add({ pair, proof: VOUCHED, way })
  }
}

const isOverTls = (way: Way): boolean => way !== 'tcp-dialback'
