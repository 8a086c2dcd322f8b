import { BoundedMap } from '../kernel/bounded-map.ts'
import type { Clock } from '../kernel/clock.ts'
import { flat } from '../kernel/flat.ts'
import type { Random } from '../kernel/random.ts'
import type { OwnTags } from './own-tags.ts'

/** What makes a SIP request of a conversation: page messages of one thread share the Call-ID, so CSeq rises. */
export interface Identifiers {
  readonly callId: string
  readonly cseq: number
  readonly fromTag: string
}

/** Numbers between one message and the next: answers to challenges take some (RFC 3261 §22.2). */
const STEP = 10

interface Conversation {
  readonly callId: string
  readonly fromTag: string
  cseq: number
}

/**
 * `<thread/>` ↔ Call-ID (RFC 7572 Tables 1 and 2). A thread that fits is used as the Call-ID; one that does not
 * (a Call-ID is `word[@word]`, RFC 3261 §25.1) gets an invented one, and the pair is kept here for the way back.
 */
export class Conversations {
  readonly #byThread: BoundedMap<string, Conversation>
  readonly #threads: BoundedMap<string, string>
  readonly #clock: Clock
  readonly #random: Random
  readonly #tags: OwnTags

  /** @param options.lifetime milliseconds a conversation is remembered after its last message */
  constructor(options: { limit: number; lifetime: number; clock: Clock; random: Random; tags: OwnTags }) {
    this.#byThread = new BoundedMap(options.limit, options.lifetime)
    this.#threads = new BoundedMap(options.limit, options.lifetime)
    this.#clock = options.clock
    this.#random = options.random
    this.#tags = options.tags
  }

  /** Identifiers for the next message; `fitting` is the thread as a Call-ID, if it can be one. */
  next(from: string, to: string, thread: string | undefined, fitting: string | undefined): Identifiers {
    if (thread === undefined) {
      return { callId: this.#random.token(22), cseq: 1, fromTag: this.#tags.next() }
    }
    const now = this.#clock.now()
    const key = flat(`${from} ${to} ${thread}`)
    let conversation = this.#byThread.get(key, now)
    if (conversation === undefined || conversation.cseq >= 0x7fffffff - STEP) {
      const callId = fitting === undefined ? this.#random.token(22) : flat(fitting)
      conversation = { callId, fromTag: this.#tags.next(), cseq: 1 - STEP }
    }
    conversation.cseq += STEP
    this.#byThread.set(key, conversation, now)
    if (fitting === undefined) this.#threads.set(conversation.callId, flat(thread), now)
    return { callId: conversation.callId, cseq: conversation.cseq, fromTag: conversation.fromTag }
  }

  /** The thread behind a Call-ID that was invented here; undefined: the Call-ID is the thread. */
  threadOf(callId: string): string | undefined {
    return this.#threads.size === 0 ? undefined : this.#threads.get(callId, this.#clock.now())
  }
}
