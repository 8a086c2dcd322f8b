import { xml } from '../../src/xmpp/xml/element.ts'
import { DEFAULT_XML_LIMITS } from '../../src/xmpp/xml/limits.ts'
import { StreamReader } from '../../src/xmpp/xml/reader.ts'
import { writeElement } from '../../src/xmpp/xml/writer.ts'
import { measure } from './harness.ts'

const HEADER =
  "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='3BF96D32'>"

function opened() {
  const seen = { elements: 0 }
  const reader = new StreamReader(
    {
      header: () => {},
      element: () => {
        seen.elements++
      },
      end: () => {},
      error: (error) => {
        throw new Error(error.condition)
      },
    },
    DEFAULT_XML_LIMITS,
  )
  reader.write(Buffer.from(HEADER))
  return { reader, seen }
}

/** A chunk holds 16 stanzas, as a busy socket gives them; one operation is one stanza. */
const PER_CHUNK = 16
function chunksOf(body: string): readonly Buffer[] {
  return Array.from({ length: 64 }, (_, chunk) =>
    Buffer.from(
      Array.from(
        { length: PER_CHUNK },
        (_, i) =>
          `<message to='romeo${chunk}@sip.example' from='juliet${i}@xmpp.example/balcony' id='m${chunk}-${i}' type='chat'><body>${body}</body><thread>t${i}</thread></message>`,
      ).join(''),
    ),
  )
}

for (const [name, body] of [
  ['ASCII', 'Art thou not Romeo, and a Montague?'],
  ['international, with entities', 'Прівет, Ромео &amp; Юлія 🌹 &lt;3'],
  ['body of 4 KB', 'x'.repeat(4096)],
] as const) {
  const chunks = chunksOf(body)
  const { reader, seen } = opened()
  let fed = 0
  measure(
    `xml/read a message, ${name}`,
    (i) => {
      if (i % PER_CHUNK === 0) {
        reader.write(chunks[(i / PER_CHUNK) % chunks.length] as Buffer)
        fed += PER_CHUNK
      }
      return seen
    },
    { bytes: Math.round((chunks[0]?.length ?? 0) / PER_CHUNK) },
  )
  if (seen.elements !== fed) throw new Error(`${seen.elements} of ${fed} stanzas were read`)
}

for (const [name, body] of [
  ['ASCII', 'Art thou not Romeo, and a Montague?'],
  ['international, with entities', 'Прівет, Ромео & Юлія 🌹 <3'],
] as const) {
  const stanzas = Array.from({ length: 1_000 }, (_, i) =>
    xml(
      'message',
      { to: `romeo${i}@sip.example`, from: 'juliet@xmpp.example/balcony', id: `m${i}`, type: 'chat' },
      xml('body', {}, body),
      xml('thread', {}, `t${i}`),
    ),
  )
  measure(`xml/write a message, ${name}`, (i) => {
    const stanza = stanzas[i % stanzas.length]
    return stanza === undefined ? 0 : Buffer.byteLength(writeElement(stanza))
  })
}
