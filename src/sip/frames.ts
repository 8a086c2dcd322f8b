import { isAscii } from 'node:buffer'
import { type Head, messageOf, parseHead, refusal } from './head.ts'
import { DEFAULT_LIMITS, type SipLimits } from './limits.ts'
import type { SipMessage } from './message.ts'
import { asBuffer } from './parse.ts'
import { type Fault, HEAD_TOO_LARGE, misframed, type SipParseError, TOO_MANY_FIELDS } from './parse-error.ts'

/** What a stream holds. */
export type Frame =
  | { readonly kind: 'message'; readonly message: SipMessage }
  /** A message that can be skipped: answer it (or drop it), the next one will be found. */
  | { readonly kind: 'malformed'; readonly error: SipParseError }
  /** The second of two CR LF between messages: answer with one CR LF (RFC 5626 §3.5.1). */
  | { readonly kind: 'ping' }
  /** A CR LF between messages: the answer to our ping, or the first half of the peer's; it lives in either case. */
  | { readonly kind: 'pong' }
  /** Nobody can tell where the next message begins: answer, then close. The framer takes nothing any more. */
  | { readonly kind: 'fatal'; readonly error: SipParseError }

const PING: Frame = { kind: 'ping' }
const PONG: Frame = { kind: 'pong' }
const CR = 0x0d
const LF = 0x0a
const HEAD_END = Buffer.from('\r\n\r\n', 'latin1')
const EMPTY = Buffer.alloc(0)

/**
 * Messages out of a byte stream by their Content-Length (RFC 3261 §18.3), the same whatever the split of the stream.
 * Every limit acts while bytes arrive; at most one message and the last chunk are held. Never throws.
 */
export class SipFramer {
  readonly #limits: SipLimits
  /** What has not been framed: `#bytes` from `#start` to `#end`. */
  #bytes: Buffer = EMPTY
  #start = 0
  #end = 0
  /** `#bytes` is the caller's chunk. */
  #borrowed = false
  /** How far the search for the end of the head has come. */
  #searched = 0
  #lines = 0
  /** A head whose body is still arriving. */
  #head: Head | undefined
  #halfPing = false
  #dead = false

  constructor(limits: SipLimits = DEFAULT_LIMITS) {
    this.#limits = limits
  }

  /** Octets that wait for the rest of their message. */
  get buffered(): number {
    return this.#end - this.#start
  }

  /** The frames that this chunk completes. The chunk is not kept, nor any view on it. */
  push(chunk: Uint8Array): readonly Frame[] {
    const frames: Frame[] = []
    if (this.#dead) return frames
    this.#append(asBuffer(chunk))
    while (!this.#dead && this.#next(frames)) {}
    if (this.#dead || this.#start === this.#end) {
      this.#bytes = EMPTY
      this.#start = this.#end = this.#searched = 0
    } else this.#own()
    return frames
  }

  /** Takes one frame; false where more octets are needed. */
  #next(frames: Frame[]): boolean {
    if (this.#head === undefined) {
      if (this.#start === this.#end) return false
      if (this.#bytes[this.#start] === CR) return this.#keepAlive(frames)
      this.#halfPing = false
      if (!this.#readHead(frames)) return false
    }
    return this.#readBody(frames)
  }

  #keepAlive(frames: Frame[]): boolean {
    if (this.#end - this.#start < 2) return false
    if (this.#bytes[this.#start + 1] !== LF) return this.#fail(frames, { kind: 'drop', reason: 'Bare CR' })
    this.#advance(this.#start + 2)
    frames.push(this.#halfPing ? PING : PONG)
    this.#halfPing = !this.#halfPing
    return true
  }

  #readHead(frames: Frame[]): boolean {
    const { headBytes } = this.#limits
    const found = this.#bytes.subarray(0, this.#end).indexOf(HEAD_END, this.#searched)
    if (found >= 0 && found - this.#start <= headBytes) {
      const octets = this.#bytes.subarray(this.#start, found + 2)
      const head = parseHead(octets.toString('latin1'), this.#limits, isAscii(octets))
      this.#advance(found + 4)
      const fault = head.fault?.framing === true ? head.fault : missingLength(head)
      if (fault !== undefined) return this.#fail(frames, refusal(head, fault))
      this.#head = head
      return true
    }
    const size = (found >= 0 ? found : this.#end) - this.#start
    // Three octets more may be the beginning of its end.
    if (size > headBytes + (found >= 0 ? 0 : 3)) return this.#refuseHead(frames, HEAD_TOO_LARGE)
    this.#countLines()
    if (this.#lines > this.#limits.headerCount + 1) return this.#refuseHead(frames, TOO_MANY_FIELDS)
    return false
  }

  /** Lines of an unfinished head; a continuation begins with a space and is none of its own. */
  #countLines(): void {
    const to = Math.max(this.#searched, this.#end - 3)
    for (let i = this.#searched; i < to; i++) {
      const next = this.#bytes[i + 1]
      if (this.#bytes[i] === LF && this.#bytes[i - 1] === CR && next !== 0x20 && next !== 0x09) this.#lines++
    }
    this.#searched = to
  }

  #readBody(frames: Frame[]): boolean {
    const head = this.#head as Head
    const bodyEnd = this.#start + (head.contentLength ?? 0)
    if (bodyEnd > this.#end) return false
    if (head.fault !== undefined || head.line.kind === 'bad') {
      const fault = head.fault ?? misframed('Malformed start line')
      frames.push({ kind: 'malformed', error: refusal(head, fault) })
    } else {
      const body = Buffer.from(this.#bytes.subarray(this.#start, bodyEnd))
      frames.push({ kind: 'message', message: messageOf(head.line, head.headers, body) })
    }
    this.#head = undefined
    this.#advance(bodyEnd)
    return true
  }

  /** Whatever of the head is whole says how to answer. */
  #refuseHead(frames: Frame[], fault: Fault): false {
    const limit = Math.min(this.#end, this.#start + this.#limits.headBytes)
    const text = this.#bytes.toString('latin1', this.#start, limit)
    const lastLine = text.lastIndexOf('\r\n')
    if (lastLine < 0) return this.#fail(frames, { kind: 'drop', reason: 'not SIP' })
    const head = parseHead(text.slice(0, lastLine + 2), this.#limits, false)
    // The fault that a stream cut into single octets would have met first.
    return this.#fail(frames, refusal(head, head.fault === TOO_MANY_FIELDS ? TOO_MANY_FIELDS : fault))
  }

  #fail(frames: Frame[], error: SipParseError): false {
    frames.push({ kind: 'fatal', error })
    this.#dead = true
    return false
  }

  #advance(to: number): void {
    this.#start = to
    this.#searched = to
    this.#lines = 0
  }

  /** Room doubles, so that a byte at a time costs no more than all at once. */
  #append(chunk: Buffer): void {
    const held = this.#end - this.#start
    if (held === 0) {
      this.#bytes = chunk
      this.#borrowed = true
      this.#start = this.#searched = 0
      this.#end = chunk.length
      return
    }
    if (this.#end + chunk.length > this.#bytes.length) this.#move((held + chunk.length) * 2)
    chunk.copy(this.#bytes, this.#end)
    this.#end += chunk.length
  }

  /** What waits is copied: the caller may use its chunk again. */
  #own(): void {
    if (!this.#borrowed) return
    this.#borrowed = false
    this.#move((this.#end - this.#start) * 2)
  }

  #move(size: number): void {
    const room = Buffer.allocUnsafeSlow(Math.max(1024, size))
    this.#bytes.copy(room, 0, this.#start, this.#end)
    this.#bytes = room
    this.#searched -= this.#start
    this.#end -= this.#start
    this.#start = 0
  }
}

const missingLength = (head: Head): Fault | undefined =>
  head.contentLength === undefined ? misframed('Missing Content-Length header field') : undefined
