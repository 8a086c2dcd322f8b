import { readFileSync, statSync } from 'node:fs'
import type { Clock } from '../../kernel/clock.ts'

/** Milliseconds in which a change of the file may go unseen. */
const EVERY = 5_000

/** A small file of the system as a value that follows its changes. What cannot be read is read as empty. */
export class FileView<T> {
  readonly #path: string
  readonly #parse: (text: string) => T
  readonly #clock: Clock
  #looked: number
  #state: string
  #value: T

  constructor(path: string, parse: (text: string) => T, clock: Clock) {
    this.#path = path
    this.#parse = parse
    this.#clock = clock
    this.#looked = clock.now()
    this.#state = stateOf(path)
    this.#value = parse(textOf(path))
  }

  get value(): T {
    const now = this.#clock.now()
    if (now - this.#looked < EVERY) return this.#value
    this.#looked = now
    const state = stateOf(this.#path)
    if (state !== this.#state) {
      this.#state = state
      this.#value = this.#parse(textOf(this.#path))
    }
    return this.#value
  }
}

function stateOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? '' : `${stat.ino} ${stat.mtimeMs} ${stat.size}`
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
