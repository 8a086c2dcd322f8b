import { Element } from '../../xmpp/xml/element.ts'
import { writeElement } from '../../xmpp/xml/writer.ts'
import { AVATAR } from './avatar.ts'
import type { LangText } from './lang-text.ts'
import {
  CIPID,
  CLIENT,
  DATA_MODEL,
  type Person,
  PIDF,
  type Pidf,
  RPID,
  type RpidList,
  type Tuple,
  type UserInput,
} from './pidf.ts'
import { qvalueText } from './priority.ts'

/** RFC 3863 §4.1. */
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
const UTF8 = new TextEncoder()

/** The document, in the order of RFC 3863 §4.1.1 and §4.1.2, in UTF-8. Prefixes are declared where they are used. */
export function writePidf(document: Pidf): Uint8Array {
  const { entity, tuples, notes, person } = document
  const root = new Element('presence', { xmlns: PIDF, entity })
  for (const tuple of tuples) {
    if (tuple.input !== undefined) root.attrs['xmlns:rpid'] = RPID
    root.cnode(tupleElement(tuple))
  }
  for (const note of notes) root.cnode(noteElement('note', note))
  if (person !== undefined) {
    root.attrs['xmlns:dm'] = DATA_MODEL
    root.attrs['xmlns:rpid'] = RPID
    if (person.name !== undefined) root.attrs['xmlns:cipid'] = CIPID
    root.cnode(personElement(person))
  }
  return UTF8.encode(DECLARATION + writeElement(root))
}

function tupleElement(tuple: Tuple): Element {
  const { id, basic, show, input, avatar, contact, notes, timestamp } = tuple
  const element = new Element('tuple', { id })
  const status = new Element('status')
  if (basic !== undefined) status.cnode(textElement('basic', basic))
  if (show !== undefined) status.cnode(textElement('show', show, { xmlns: CLIENT }))
  element.cnode(status)
  if (input !== undefined) element.cnode(inputElement(input))
  if (avatar !== undefined)
    element.cnode(new Element('x', { xmlns: AVATAR })).cnode(textElement('photo', avatar))
  if (contact !== undefined) {
    const priority = contact.priority === undefined ? undefined : qvalueText(contact.priority)
    element.cnode(textElement('contact', contact.uri, { priority }))
  }
  for (const note of notes) element.cnode(noteElement('note', note))
  if (timestamp !== undefined) element.cnode(textElement('timestamp', instantText(timestamp)))
  return element
}

/** There is one person to a presentity, and this is its name within the document (RFC 4479 §5). */
const PERSON = 'person'

function personElement({ activities, mood, input, name, notes, timestamp }: Person): Element {
  const element = new Element('dm:person', { id: PERSON })
  if (activities !== undefined) element.cnode(listElement('rpid:activities', activities))
  if (mood !== undefined) element.cnode(listElement('rpid:mood', mood))
  if (input !== undefined) element.cnode(inputElement(input))
  if (name !== undefined) element.cnode(textElement('cipid:display-name', name))
  for (const note of notes) element.cnode(noteElement('dm:note', note))
  if (timestamp !== undefined) element.cnode(textElement('dm:timestamp', instantText(timestamp)))
  return element
}

function listElement(name: string, { values, other, notes }: RpidList): Element {
  const element = new Element(name)
  for (const note of notes) element.cnode(noteElement('rpid:note', note))
  for (const value of values) element.cnode(new Element(`rpid:${value}`))
  if (other !== undefined) element.cnode(noteElement('rpid:other', other))
  return element
}

const inputElement = ({ idle, last }: UserInput): Element =>
  textElement('rpid:user-input', idle ? 'idle' : 'active', {
    'last-input': last === undefined ? undefined : instantText(last),
  })

const noteElement = (name: string, { lang, text }: LangText): Element =>
  textElement(name, text, { 'xml:lang': lang })

function textElement(
  name: string,
  text: string,
  attrs?: Readonly<Record<string, string | undefined>>,
): Element {
  const element = new Element(name, attrs)
  if (text !== '') element.children.push(text)
  return element
}

/** RFC 3339, in UTC and with milliseconds: so documents of one second differ. */
const instantText = (time: number): string => new Date(time).toISOString()
