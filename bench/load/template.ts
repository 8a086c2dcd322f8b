/** Ten characters that a stamp overwrites with the sequence number. */
export const SEQUENCE = '##########'
/** What stands before the sequence number, so that a receiver finds it by one `indexOf`. Token characters (RFC 3261 §25.1). */
export const MARK = '~~'

const ZERO = 0x30

/** Prepared bytes in which only the sequence number changes: making the next message is a few byte writes. */
export class Template {
  readonly bytes: Buffer
  readonly #places: readonly number[]

  constructor(text: string) {
    this.bytes = Buffer.from(text, 'latin1')
    const places: number[] = []
    for (let at = text.indexOf(SEQUENCE); at >= 0; at = text.indexOf(SEQUENCE, at + SEQUENCE.length))
      places.push(at)
    this.#places = places
  }

  /** The same bytes every time, with this number in them: send or copy before the next stamp. */
  stamp(sequence: number): Buffer {
    const bytes = this.bytes
    for (const place of this.#places) {
      let rest = sequence
      for (let at = place + 9; at >= place; at--) {
        const tenth = Math.floor(rest / 10)
        bytes[at] = ZERO + rest - tenth * 10
        rest = tenth
      }
    }
    return bytes
  }
}

/** The number after the mark, or -1 if there is none before `to`. */
export function sequenceIn(text: string, from: number, to = text.length): number {
  const mark = text.indexOf(MARK, from)
  if (mark < 0 || mark >= to) return -1
  let sequence = 0
  for (let at = mark + 2; at < mark + 12; at++) {
    const digit = text.charCodeAt(at) - ZERO
    if (!(digit >= 0 && digit <= 9)) return -1
    sequence = sequence * 10 + digit
  }
  return sequence
}

const PROSE =
  'But soft, what light through yonder window breaks? It is the east, and somebody is typing a message of ' +
  'the usual length into the usual small window, and expects the usual answer before the tea is cold. '

/** A text of exactly that many characters (at least 30), beginning with the mark and the sequence number. */
export function textOf(characters: number): string {
  const start = `${MARK}${SEQUENCE}~~ Romeo's & Juliet: `
  const prose = PROSE.repeat(Math.ceil(Math.max(1, characters) / PROSE.length))
  return start + prose.slice(0, Math.max(0, characters - start.length))
}

export const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll("'", '&apos;')
