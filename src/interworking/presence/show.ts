import { flat } from '../../kernel/flat.ts'

/** RFC 6121 §4.7.2.1. */
const SHOWS: ReadonlyMap<string, string> = new Map(['away', 'chat', 'dnd', 'xa'].map((show) => [show, show]))

/** Whether a stanza may hold this value. */
export const isShow = (value: string): boolean => SHOWS.has(value)

/** Values of a sender's own are read too (RFC 8048 table 1, note 7); nothing that is no name. */
const NAME = /^[A-Za-z][A-Za-z0-9._-]{0,31}$/

/** The text of a `show` element, if it could be one. */
export function showText(text: string): string | undefined {
  const value = text.trim()
  return SHOWS.get(value) ?? (NAME.test(value) ? flat(value) : undefined)
}
