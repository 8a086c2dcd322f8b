import { AttributeValue } from './attribute-value.ts'
import { CharacterData } from './character-data.ts'
import { FORBIDDEN, isNameStart, isSpace } from './characters.ts'
import { isSectionStart } from './declaration.ts'
import { notWellFormed } from './fault.ts'
import type { QName } from './names.ts'
import { Prolog } from './prolog.ts'
import { referenced } from './references.ts'
import type { TokenSink } from './token-sink.ts'
import { Word } from './word.ts'

const LF = 10
const CR = 13
const AMPERSAND = 0x26
const SLASH = 0x2f
const LESS = 0x3c
const EQUALS = 0x3d
const GREATER = 0x3e
const QUESTION = 0x3f
const BANG = 0x21
const DOUBLE = 0x22
const SINGLE = 0x27
const HASH = 0x23
const SEMICOLON = 0x3b

type State =
  | 'text'
  | 'less'
  | 'element name'
  | 'after name or space'
  | 'attribute name'
  | 'equals'
  | 'quote'
  | 'value'
  | 'after value'
  | 'empty'
  | 'end name'
  | 'end space'
  | 'reference'
  | 'exclamation'
  | 'cdata'
  | 'question'
  | 'ended'

/**
 * XML 1.0 (fifth edition) as RFC 6120 §11 allows it, without namespaces, from text that may be split between any two
 * characters. Each character is looked at a fixed number of times, however the text is split. Ends with the root element.
 * Attribute values and texts may be cut from the chunk and keep it alive: what is to stay is copied by whoever keeps it.
 */
export class Tokenizer {
  readonly #sink: TokenSink
  readonly #open: string[] = []
  #state: State = 'text'
  #chunk = ''
  #at = 0
  /** The last character was a carriage return: a line feed now is the same line end. */
  #afterReturn = false
  readonly #prolog = new Prolog()
  readonly #text = new CharacterData()
  readonly #value = new AttributeValue()
  readonly #word = new Word()
  #element: QName | undefined
  #attribute: QName | undefined
  /** Where a reference goes back to. */
  #within: 'text' | 'value' = 'text'

  constructor(sink: TokenSink) {
    this.#sink = sink
  }

  /** Characters of the chunk in hand that were read; right while the sink is being told. */
  get at(): number {
    return this.#at
  }

  /** @throws StreamFault at the first thing that is wrong; what came before it was told */
  write(chunk: string): void {
    if (chunk.length === 0) return
    const wrong = FORBIDDEN.test(chunk) ? chunk.search(FORBIDDEN) : -1
    const text = wrong < 0 ? chunk : chunk.slice(0, wrong)
    this.#chunk = text
    this.#at = this.#afterReturn && text.charCodeAt(0) === LF ? 1 : 0
    this.#afterReturn = text.charCodeAt(text.length - 1) === CR
    this.#text.begin(text)
    while (this.#at < text.length && this.#state !== 'ended') this.#step()
    if (wrong >= 0 && this.#state !== 'ended') throw notWellFormed()
  }

  /** Forgets text within a stanza, and of a value in hand all but more than `most` characters: nobody wants them. */
  drop(most: number): void {
    if (this.#open.length > 1) this.#text.take()
    this.#value.cut(most)
  }

  #step(): void {
    switch (this.#state) {
      case 'text':
        this.#inText()
        break
      case 'less':
        this.#afterLess()
        break
      case 'element name':
        this.#inElementName()
        break
      case 'after name or space':
        this.#beforeAttribute()
        break
      case 'attribute name':
        this.#inAttributeName()
        break
      case 'equals':
        this.#beforeEquals()
        break
      case 'quote':
        this.#beforeValue()
        break
      case 'value':
        this.#inValue()
        break
      case 'after value':
        this.#afterTagPart(this.#chunk.charCodeAt(this.#at))
        break
      case 'empty':
        this.#inEmptyTag()
        break
      case 'end name':
        this.#inEndName()
        break
      case 'end space':
        this.#afterEndName()
        break
      case 'reference':
        this.#inReference()
        break
      case 'exclamation':
        this.#afterExclamation()
        break
      case 'cdata':
        this.#inSection()
        break
      case 'question':
        this.#inDeclaration()
        break
      case 'ended':
        break
      default:
        this.#state satisfies never
    }
  }

  #inText(): void {
    const chunk = this.#chunk
    const from = this.#at
    const end = this.#text.end(from)
    if (this.#open.length === 0) this.#prolog.text(chunk, from, end)
    else this.#text.read(from, end)
    this.#at = end
    if (end === chunk.length) return
    this.#at++
    if (chunk.charCodeAt(end) === LESS) {
      // Between stanzas text is a fault, found before those of what follows.
      if (this.#open.length === 1) this.#flush()
      this.#state = 'less'
      return
    }
    if (this.#open.length === 0) throw notWellFormed()
    this.#within = 'text'
    this.#state = 'reference'
  }

  #afterLess(): void {
    const code = this.#chunk.codePointAt(this.#at) as number
    if (isNameStart(code)) {
      this.#prolog.over()
      this.#flush()
      this.#state = 'element name'
      return
    }
    if (code === SLASH) {
      this.#at++
      this.#flush()
      this.#state = 'end name'
      if (this.#open.length === 0) throw notWellFormed()
      this.#endTag()
      return
    }
    this.#at++
    if (code === BANG) this.#state = 'exclamation'
    else if (code === QUESTION) this.#state = 'question'
    else throw notWellFormed()
  }

  #flush(): void {
    const text = this.#text.take()
    if (text !== '') this.#sink.text(text)
  }

  /** The usual: the end tag lies whole before us. */
  #endTag(): void {
    const name = this.#open[this.#open.length - 1] as string
    const end = this.#at + name.length
    if (this.#chunk.charCodeAt(end) !== GREATER || !this.#chunk.startsWith(name, this.#at)) return
    this.#at = end + 1
    this.#close()
  }

  #close(): void {
    this.#open.pop()
    this.#state = this.#open.length === 0 ? 'ended' : 'text'
    this.#sink.close()
  }

  /** Reads on in a name. Undefined: the chunk is at its end, the name perhaps not. */
  #name(): QName | undefined {
    const from = this.#at
    const end = this.#word.end(this.#chunk, from)
    this.#at = end
    if (end < this.#chunk.length) return this.#word.name(this.#chunk, from, end)
    this.#word.keep(this.#chunk, from, end)
    return undefined
  }

  #inElementName(): void {
    const name = this.#name()
    if (name === undefined) return
    this.#element = name
    this.#afterTagPart(this.#chunk.charCodeAt(this.#at))
  }

  /** After the element's name or an attribute's value: white space, or the end of the tag. */
  #afterTagPart(code: number): void {
    this.#at++
    if (isSpace(code)) this.#state = 'after name or space'
    else this.#tagEnd(code)
  }

  #tagEnd(code: number): void {
    if (code === GREATER) this.#opened()
    else if (code === SLASH) this.#state = 'empty'
    else throw notWellFormed()
  }

  #opened(): void {
    const name = this.#element as QName
    this.#open.push(name.text)
    this.#state = 'text'
    this.#sink.open(name)
  }

  #inEmptyTag(): void {
    if (this.#chunk.charCodeAt(this.#at) !== GREATER) throw notWellFormed()
    this.#at++
    this.#opened()
    this.#close()
  }

  /** Past white space; the chunk's length: there may be more. */
  #skipSpace(): void {
    const chunk = this.#chunk
    let at = this.#at
    while (at < chunk.length && isSpace(chunk.charCodeAt(at))) at++
    this.#at = at
  }

  #beforeAttribute(): void {
    this.#skipSpace()
    if (this.#at === this.#chunk.length) return
    const code = this.#chunk.codePointAt(this.#at) as number
    if (isNameStart(code)) {
      this.#state = 'attribute name'
      return
    }
    this.#at++
    this.#tagEnd(code)
  }

  #inAttributeName(): void {
    const name = this.#name()
    if (name === undefined) return
    this.#attribute = name
    this.#state = 'equals'
  }

  #beforeEquals(): void {
    this.#skipSpace()
    if (this.#at === this.#chunk.length) return
    if (this.#chunk.charCodeAt(this.#at) !== EQUALS) throw notWellFormed()
    this.#at++
    this.#state = 'quote'
  }

  #beforeValue(): void {
    this.#skipSpace()
    if (this.#at === this.#chunk.length) return
    const code = this.#chunk.charCodeAt(this.#at++)
    if (code !== DOUBLE && code !== SINGLE) throw notWellFormed()
    this.#value.begin(code)
    this.#state = 'value'
  }

  #inValue(): void {
    const chunk = this.#chunk
    const end = this.#value.read(chunk, this.#at)
    this.#at = end
    if (end === chunk.length) return
    this.#at++
    if (chunk.charCodeAt(end) === AMPERSAND) {
      this.#within = 'value'
      this.#state = 'reference'
      return
    }
    this.#state = 'after value'
    this.#sink.attribute(this.#attribute as QName, this.#value.take())
  }

  #inEndName(): void {
    const from = this.#at
    const end = this.#word.end(this.#chunk, from)
    this.#at = end
    if (end === this.#chunk.length) {
      this.#word.keep(this.#chunk, from, end)
      return
    }
    if (this.#word.whole(this.#chunk, from, end) !== this.#open[this.#open.length - 1]) throw notWellFormed()
    this.#state = 'end space'
  }

  #afterEndName(): void {
    this.#skipSpace()
    if (this.#at === this.#chunk.length) return
    if (this.#chunk.charCodeAt(this.#at) !== GREATER) throw notWellFormed()
    this.#at++
    this.#close()
  }

  #inReference(): void {
    const chunk = this.#chunk
    const from = this.#at
    let at = from
    if (!this.#word.begun) {
      const code = chunk.codePointAt(at) as number
      if (code !== HASH && !isNameStart(code)) throw notWellFormed()
      at += code > 0xffff ? 2 : 1
    }
    const end = this.#word.end(chunk, at)
    this.#at = end
    if (end === chunk.length) {
      this.#word.keep(chunk, from, end)
      return
    }
    if (chunk.charCodeAt(end) !== SEMICOLON) throw notWellFormed()
    this.#at = end + 1
    const text = referenced(this.#word.whole(chunk, from, end))
    if (this.#within === 'text') this.#text.add(text)
    else this.#value.add(text)
    this.#state = this.#within
  }

  /** After `<!`: the start of a CDATA section, or of what RFC 6120 §11.1 forbids. */
  #afterExclamation(): void {
    const from = this.#at
    this.#at++
    const seen = this.#word.whole(this.#chunk, from, from + 1)
    if (!isSectionStart(seen)) {
      this.#word.keep(seen, 0, seen.length)
      return
    }
    if (this.#open.length === 0) throw notWellFormed()
    this.#state = 'cdata'
  }

  #inSection(): void {
    const end = this.#text.section(this.#at)
    this.#at = end ?? this.#chunk.length
    if (end !== undefined) this.#state = 'text'
  }

  #inDeclaration(): void {
    const from = this.#at
    const end = this.#chunk.indexOf('>', from)
    if (end < 0) {
      this.#at = this.#chunk.length
      this.#word.keep(this.#chunk, from, this.#at)
      return
    }
    this.#at = end + 1
    this.#prolog.declaration(this.#word.whole(this.#chunk, from, end))
    this.#state = 'text'
  }
}
