import type { Random } from '../kernel/random.ts'
import type { SipRequest } from '../sip/message.ts'
import { param } from '../sip/scan.ts'

/**
 * From tags for the requests we make. All begin alike, by a token of this process, so that a request of ours that is routed
 * back to us is known again without a memory of what was sent (the aim of RFC 5393). Tags are opaque to others and keep their 60 random bits
 * (RFC 3261 §19.3).
 */
export class OwnTags {
  readonly #mark: string
  readonly #random: Random

  constructor(random: Random) {
    this.#mark = random.token(6)
    this.#random = random
  }

  next(): string {
    return this.#mark + this.#random.token(10)
  }

  isOwn(request: SipRequest): boolean {
    const from = request.headers.from()
    return from !== undefined && (param(from.params, 'tag')?.startsWith(this.#mark) ?? false)
  }
}
