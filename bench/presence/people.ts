import { SIP_DOMAIN, XMPP_DOMAIN } from '../load/run.ts'

/** Digits of a number in a name. */
export const DIGITS = 6
export const six = (i: number): string => String(i).padStart(DIGITS, '0')

/** An XMPP user, and the SIP user who watches it. */
export const watched = (i: number): string => `juliet${six(i)}@${XMPP_DOMAIN}`
export const watcher = (i: number): string => `romeo${six(i)}@${SIP_DOMAIN}`
/** An XMPP user, and the SIP user whom it watches. */
export const follower = (i: number): string => `benvolio${six(i)}@${XMPP_DOMAIN}`
export const followed = (i: number): string => `mercutio${six(i)}@${SIP_DOMAIN}`

/** Of each watched user; as long as clients make them. */
export const RESOURCES = ['gajim.QV5XGM3H', 'Conversations.WGR6'] as const

/** The number behind a name in a text, or -1. */
export function indexAfter(name: string, text: string, from = 0): number {
  const at = text.indexOf(name, from)
  if (at < 0) return -1
  const number = Number(text.slice(at + name.length, at + name.length + DIGITS))
  return Number.isInteger(number) ? number : -1
}
