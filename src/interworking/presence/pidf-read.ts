import { flat } from '../../kernel/flat.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import { readDocument } from '../../xmpp/xml/document.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { parseStamp } from '../stamp.ts'
import { readAvatar } from './avatar.ts'
import {
  elementsOf,
  first,
  isNamed,
  localName,
  mustUnderstand,
  named,
  namespaceOf,
  textOf,
} from './elements.ts'
import { keptText } from './lang-text.ts'
import type { PresenceLimits } from './limits.ts'
import { readNotes } from './notes.ts'
import { CLIENT, type Contact, DATA_MODEL, PIDF, type Pidf, RPID, type Tuple } from './pidf.ts'
import { parseQvalue } from './priority.ts'
import { latestPerson, readInput } from './rpid-read.ts'
import { showText } from './show.ts'

/** `malformed`: not XML as we take it, or not PIDF; `too-large`: beyond a limit. */
export type PidfError = 'malformed' | 'too-large'

/**
 * Reads a presence document. Unknown elements and attributes are ignored (RFC 3863 §4.2.3), and so is what is wrong with a value:
 * the rest is taken (RFC 4479 §5). What is kept holds no piece of the input alive.
 */
export function readPidf(bytes: Uint8Array, limits: PresenceLimits): Result<Pidf, PidfError> {
  const document = readDocument(bytes, limits.document)
  if (!document.ok) return err(document.error.condition === 'policy-violation' ? 'too-large' : 'malformed')
  const root = document.value
  if (!isNamed(root, 'presence', PIDF)) return err('malformed')
  const tuples: Tuple[] = []
  for (const element of named(root, 'tuple', PIDF)) {
    if (isOfAnother(element)) continue
    if (tuples.length === limits.resources) return err('too-large')
    tuples.push(readTuple(element, root, limits))
  }
  const entity = root.attrs.entity as string | undefined
  return ok({
    entity: entity === undefined ? undefined : flat(entity),
    tuples,
    notes: readNotes(root, PIDF, limits),
    person: latestPerson(root, limits),
  })
}

function readTuple(element: Element, root: Element, limits: PresenceLimits): Tuple {
  const status = first(element, 'status', PIDF)
  const basic = status && first(status, 'basic', PIDF)
  const basicText = basic && textOf(basic).trim()
  const contact = first(element, 'contact', PIDF)
  const timestamp = first(element, 'timestamp', PIDF)
  return {
    id: flat((element.attrs.id as string | undefined) ?? ''),
    basic: basicText === 'open' || basicText === 'closed' ? basicText : undefined,
    show: status && readShow(status),
    input: readInput(element) ?? deviceInput(element, root),
    avatar: readAvatar(element),
    contact: contact && readContact(contact, limits),
    notes: readNotes(element, PIDF, limits),
    timestamp: timestamp && parseStamp(textOf(timestamp).trim()),
  }
}

function readShow(status: Element): string | undefined {
  const element = first(status, 'show', CLIENT)
  return element && showText(textOf(element))
}

function readContact(element: Element, limits: PresenceLimits): Contact {
  const priority = element.attrs.priority as string | undefined
  return {
    uri: keptText(textOf(element), limits.textLength),
    priority: priority === undefined ? undefined : parseQvalue(priority.trim()),
  }
}

/** The presence of an assistant or a friend is not that of the presentity (RFC 4480 §3.9). */
function isOfAnother(tuple: Element): boolean {
  const relationship = first(tuple, 'relationship', RPID)
  if (relationship === undefined) return false
  for (const child of elementsOf(relationship)) {
    const name = localName(child)
    if (namespaceOf(child) !== RPID || name === 'note') {
      if (mustUnderstand(child)) return false
    } else return name !== 'self'
  }
  return false
}

/** What the tuple's device says (RFC 4479 §3.4). */
function deviceInput(tuple: Element, root: Element): Tuple['input'] {
  const id = first(tuple, 'deviceID', DATA_MODEL)
  if (id === undefined) return undefined
  const wanted = textOf(id).trim()
  for (const device of named(root, 'device', DATA_MODEL)) {
    const own = first(device, 'deviceID', DATA_MODEL)
    if (own !== undefined && textOf(own).trim() === wanted) return readInput(device)
  }
  return undefined
}
