/** How many branches are kept, to tell a retransmission (the same transaction) from a second message. */
const REMEMBERED = 1 << 16
const CR = 0x0d
const SEMICOLON = 0x3b

/** The branches of the requests that came, by sequence number. */
export class Branches {
  readonly #kept = new Int32Array(REMEMBERED)

  keep(sequence: number, branch: number): void {
    this.#kept[sequence % REMEMBERED] = branch
  }

  isKept(sequence: number, branch: number): boolean {
    return this.#kept[sequence % REMEMBERED] === branch
  }
}

/** A number for the branch of the topmost Via. */
export function branchOf(text: string, from: number, body: number): number {
  let hash = 0
  for (let at = text.indexOf('branch=', from) + 7; at < body; at++) {
    const code = text.charCodeAt(at)
    if (code === CR || code === SEMICOLON) break
    hash = (Math.imul(hash, 31) + code) | 0
  }
  return hash
}
