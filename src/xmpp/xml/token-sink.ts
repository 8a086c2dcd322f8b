import type { QName } from './names.ts'

/** Told of each piece of markup once it is whole. What it throws passes through. */
export interface TokenSink {
  /** Before the `open` of its element; references replaced, white space normalised (XML 1.0 §3.3.3). */
  attribute(name: QName, value: string): void
  open(name: QName): void
  /** The innermost open element ends; the names of its tags are the same. */
  close(): void
  /** All text, CDATA sections included, between two tags; never empty. */
  text(text: string): void
}
