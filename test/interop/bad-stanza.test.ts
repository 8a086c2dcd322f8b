import { expect, test } from 'vitest'
import { onBed, ROMEO } from '../support/bed.ts'
import { type Element, stanzaError, xml } from '../support/xmpp-client.ts'

function nested(depth: number): Element {
  const inner = xml('b', {})
  const outer = Array.from({ length: depth - 1 }).reduce<Element>((child) => xml('b', {}, child), inner)
  return xml('a', { xmlns: 'x:y' }, outer)
}

const many = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`a${i}`, '1']))

/** What a client may send, and what to answer. */
const CASES: readonly (readonly [string, Element, string])[] = [
  ['deep', nested(70), 'policy-violation'],
  ['wide', xml('a', { xmlns: 'x:y', ...many }), 'policy-violation'],
  ['attribute', xml('y', { xmlns: 'q', 'xml:space': 'preserve', 'xml:foo': '1' }), 'bad-request'],
  ['element', xml('xml:y', {}), 'bad-request'],
]

test('what one person sends amiss is refused to that person; the link stays and others write on', () =>
  onBed({}, async ({ juliet, romeo, gateway }) => {
    for (const [id, child, condition] of CASES) {
      await juliet.message({ to: ROMEO, id, body: id, children: [child] })
      const bounce = await juliet.nextMessage((message) => message.attrs.id === id)
      expect([id, stanzaError(bounce)?.condition]).toEqual([id, condition])
      await gateway.log.next(({ msg }) => msg === 'a stanza was refused')
      await juliet.message({ to: ROMEO, body: `after ${id}` })
      expect((await romeo.messages.next()).body).toBe(`after ${id}`)
    }
    expect(gateway.output().match(/link is live/g)).toHaveLength(1)
    expect(gateway.output()).not.toMatch(/link is lost|cannot be read/)
    expect(gateway.output().match(/a stanza was refused/g)).toHaveLength(CASES.length)
  }))
