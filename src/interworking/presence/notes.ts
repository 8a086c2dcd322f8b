import { effectiveLang } from '../../xmpp/stanza.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { named, textOf } from './elements.ts'
import { keptTexts, type LangText } from './lang-text.ts'
import type { PresenceLimits } from './limits.ts'

export const langTextOf = (element: Element): LangText => ({
  lang: effectiveLang(element),
  text: textOf(element),
})

/** The `note` children in that namespace. */
export const readNotes = (parent: Element, namespace: string, limits: PresenceLimits): readonly LangText[] =>
  keptTexts(named(parent, 'note', namespace).map(langTextOf), limits)
