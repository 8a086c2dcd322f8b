import type { Certificate } from './certificate.ts'
import { asciiOf, context, readOne, TAG, within } from './der.ts'

/** What a certificate says of whom it was issued to: what a protocol makes of it is for its own matcher. */
export interface PresentedNames {
  /** subjectAltName; undefined where the certificate has none. As written there. */
  readonly alternatives: Alternatives | undefined
  /** Of the subject. */
  readonly commonNames: readonly string[]
}

export interface Alternatives {
  readonly dns: readonly string[]
  readonly uri: readonly string[]
}

export const SUBJECT_ALT_NAME = '2.5.29.17'
const DNS = context(2, false)
const URI = context(6, false)

/**
 * Reads subjectAltName from its DER, since the text that Node makes of it can be forged by a name with quotes or commas
 * in it. Undefined: it cannot be read, and then the certificate proves nothing.
 */
export function presentedNames(certificate: Certificate): PresentedNames | undefined {
  const { commonNames, extensions } = certificate
  const extension = extensions.get(SUBJECT_ALT_NAME)
  if (extension === undefined) return { alternatives: undefined, commonNames }
  const list = within(readOne(extension.value), TAG.sequence)
  if (list === undefined) return undefined
  const dns: string[] = []
  const uri: string[] = []
  for (const { tag, content } of list) {
    const names = tag === DNS ? dns : tag === URI ? uri : undefined
    if (names === undefined) continue
    const text = asciiOf(content)
    if (text === undefined) return undefined
    names.push(text)
  }
  return { alternatives: { dns, uri }, commonNames }
}
