import { flat } from '../../kernel/flat.ts'
import { languageTag } from '../language.ts'
import { lineFeeds, xmlText } from '../text.ts'
import type { PresenceLimits } from './limits.ts'

/** A text for people. Undefined: its language is not said. */
export interface LangText {
  readonly lang: string | undefined
  readonly text: string
}

/** Without white space around it, cut at a whole code point, in storage of its own; empty where there is nothing. */
export function keptText(text: string, limit: number): string {
  const whole = lineFeeds(xmlText(text)).trim()
  if (whole.length <= limit) return flat(whole)
  const last = whole.charCodeAt(limit - 1)
  return flat(whole.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit).trimEnd())
}

/** The tag in storage of its own, if it is well formed. */
export function keptTag(text: string | undefined): string | undefined {
  const tag = languageTag(text)
  return tag === undefined ? undefined : flat(tag)
}

const NO_TEXTS: readonly LangText[] = []

/** One text for each language, in order: where two have the same, the first counts (RFC 6121 §4.7.2.2). */
export function keptTexts(found: Iterable<LangText>, limits: PresenceLimits): readonly LangText[] {
  const kept: LangText[] = []
  for (const { lang, text } of found) {
    const tag = keptTag(lang)
    if (kept.some((one) => one.lang?.toLowerCase() === tag?.toLowerCase())) continue
    const short = keptText(text, limits.textLength)
    if (short === '') continue
    kept.push({ lang: tag, text: short })
    if (kept.length === limits.texts) break
  }
  // Without the room to grow that `push` has made: very many of these are kept.
  return kept.length === 0 ? NO_TEXTS : kept.slice()
}

export const sameText = (a: LangText | undefined, b: LangText | undefined): boolean =>
  a?.text === b?.text && a?.lang === b?.lang
