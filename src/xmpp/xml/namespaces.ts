import { notWellFormed, StreamFault } from './fault.ts'

const XML = 'http://www.w3.org/XML/1998/namespace'
const XMLNS = 'http://www.w3.org/2000/xmlns/'

export const badPrefix = (): StreamFault =>
  new StreamFault('bad-namespace-prefix', 'a namespace prefix is not bound, or must not be')

/** Namespaces in XML 1.0 §3: what `xml` and `xmlns` may and must be bound to; §6.2: no undeclaring of a prefix. */
function bindingFault(prefix: string, uri: string): StreamFault | undefined {
  if (prefix !== '' && uri.trim() === '') return notWellFormed()
  if ((prefix === 'xml' && uri !== XML) || (prefix === 'xmlns' && uri !== XMLNS)) return badPrefix()
  if (uri === XMLNS || (uri === XML && prefix !== 'xml')) return notWellFormed()
  return undefined
}

/** The bindings in force, element within element. White space around a namespace name is part of it. */
export class Namespaces {
  readonly #bound = new Map<string, string>([
    ['xml', XML],
    ['xmlns', XMLNS],
  ])
  /** What each declaration hid, in order; and how many there were before each open element. */
  readonly #hidden: { readonly prefix: string; readonly uri: string | undefined }[] = []
  readonly #marks: number[] = []
  #before = 0

  /** A declaration on the element that is about to open; the prefix is empty for the default namespace. A fault: not made. */
  declare(prefix: string, uri: string): StreamFault | undefined {
    const fault = bindingFault(prefix, uri)
    if (fault !== undefined) return fault
    this.#hidden.push({ prefix, uri: this.#bound.get(prefix) })
    this.#bound.set(prefix, uri)
    return undefined
  }

  resolve(prefix: string): string | undefined {
    return this.#bound.get(prefix)
  }

  open(): void {
    this.#marks.push(this.#before)
    this.#before = this.#hidden.length
  }

  close(): void {
    this.#before = this.#marks.pop() ?? 0
    this.#undo()
  }

  /** Ends all elements but the outermost `depth`, and forgets what the one about to open has declared. */
  closeTo(depth: number): void {
    this.#undo()
    while (this.#marks.length > depth) this.close()
  }

  /** Declarations beyond those of the open elements. */
  #undo(): void {
    while (this.#hidden.length > this.#before) {
      const { prefix, uri } = this.#hidden.pop() ?? { prefix: '', uri: undefined }
      if (uri === undefined) this.#bound.delete(prefix)
      else this.#bound.set(prefix, uri)
    }
  }
}
