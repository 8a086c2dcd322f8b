import { isAscii, isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'

/** Strict UTF-8 in pieces: a character may be split between two chunks; a wrong byte is an error at once. */
export class Utf8Decoder {
  /** Only while a character may be incomplete. */
  #decoder: TextDecoder | undefined

  /** No character is begun: what comes is decoded from its own octets alone. */
  get idle(): boolean {
    return this.#decoder === undefined
  }

  /** @throws TypeError at a byte that is not UTF-8 */
  decode(chunk: Buffer): string {
    if (this.#decoder === undefined) {
      if (isAscii(chunk)) return chunk.toString('latin1')
      if (isUtf8(chunk)) return chunk.toString('utf8')
    }
    this.#decoder ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const text = this.#decoder.decode(chunk, { stream: true })
    if (chunk.length > 0 && (chunk[chunk.length - 1] as number) < 0x80) this.#decoder = undefined
    return text
  }
}
