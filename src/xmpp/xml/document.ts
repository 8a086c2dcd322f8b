import { isUtf8 } from 'node:buffer'
import { err, ok, type Result } from '../../kernel/result.ts'
import type { Element } from './element.ts'
import { notWellFormed, StreamFault } from './fault.ts'
import type { XmlLimits } from './limits.ts'
import type { QName } from './names.ts'
import type { StreamError } from './stream-error.ts'
import { Tokenizer } from './tokenizer.ts'
import { STREAMS, Tree } from './tree.ts'

/** To the tree a document is the first stanza of a stream, opened under a prefix that no document can write. */
const DECLARED: QName = { text: 'xmlns: ', prefix: 'xmlns', local: ' ' }
const STREAM: QName = { text: ' :stream', prefix: ' ', local: 'stream' }

const NOT_SPACE = /[^ \t\r\n]/

/**
 * A whole document in memory, by the rules of the streams: UTF-8, one root, no document types, entities, comments or
 * processing instructions, every prefix bound. What is wrong is a value: `policy-violation` for a limit (`stanzaBytes` is that
 * of the document), `unsupported-encoding`, `restricted-xml` for what is well-formed and not taken, otherwise another.
 */
export function readDocument(bytes: Uint8Array, limits: XmlLimits): Result<Element, StreamError> {
  if (bytes.length > limits.stanzaBytes)
    return err({ condition: 'policy-violation', text: `more than ${limits.stanzaBytes} octets` })
  if (!isUtf8(bytes)) return err({ condition: 'not-well-formed', text: 'not UTF-8' })
  try {
    return ok(documentOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'), limits))
  } catch (error) {
    if (error instanceof StreamFault) return err(error.error)
    throw error
  }
}

function documentOf(text: string, limits: XmlLimits): Element {
  let root: Element | undefined
  let end = 0
  const tree = new Tree(
    {
      header: () => {},
      stanza: (element) => {
        root = element
        end = tokenizer.at
      },
      end: () => {},
    },
    limits,
    false,
  )
  const tokenizer = new Tokenizer(tree)
  tree.attribute(DECLARED, STREAMS)
  tree.open(STREAM)
  tokenizer.write(text)
  if (root === undefined || NOT_SPACE.test(text.slice(end))) throw notWellFormed()
  return root
}
