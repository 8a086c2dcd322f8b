import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readNick, readPresence } from '../../../src/interworking/presence/presence-read.ts'
import {
  presenceStanza,
  presenceStanzas,
  typedPresence,
} from '../../../src/interworking/presence/presence-write.ts'
import {
  type ContactState,
  leading,
  NO_RESOURCES,
  onlyAvailable,
  UNAVAILABLE,
  withhold,
  withPresence,
} from '../../../src/interworking/presence/state.ts'
import { Element } from '../../../src/xmpp/xml/element.ts'
import { writeElement } from '../../../src/xmpp/xml/writer.ts'
import { stanzaOf } from '../../support/vectors.ts'
import {
  AVAILABLE,
  CLOSED,
  changeOf,
  document,
  LIMITS,
  NOW,
  OPEN,
  RICH,
  stateAfter,
  stateOf,
  tuple,
  WATCHED,
  written,
} from './support.ts'

const FROM = "from='juliet@example.com/balcony'"
const ACTIVITY = 'http://jabber.org/protocol/activity'
const MOOD = 'http://jabber.org/protocol/mood'
const HASH = '01b87fcd030b72895ff8e88db57ec525450f000d'

describe('a presence stanza is read', () => {
  test('only-untyped-and-unavailable-presence-become-notify', () => {
    const types = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe', 'error', 'odd', '']
    expect(types.map((type) => changeOf(`<presence ${FROM} type='${type}'/>`))).toEqual(
      types.map(() => undefined),
    )
    expect(changeOf(`<presence ${FROM}/>`)?.state.available).toBe(true)
    expect(changeOf(`<presence ${FROM} type='unavailable'/>`)?.state.available).toBe(false)
  })
  test('with all that it can say', () => {
    const change = changeOf(
      `<presence ${FROM} xml:lang='en'><show>away</show><status>in bed</status><status xml:lang='cs'>v posteli</status>
       <priority>5</priority><idle xmlns='urn:xmpp:idle:1' since='2026-01-01T10:00:00Z'/>
       <activity xmlns='${ACTIVITY}'><inactive><sleeping/></inactive><text xml:lang='de'>zzz</text></activity>
       <mood xmlns='${MOOD}'><sleepy><odd xmlns='urn:odd'/></sleepy></mood>
       <nick xmlns='http://jabber.org/protocol/nick'>Jule</nick>
       <x xmlns='vcard-temp:x:update'><photo>${HASH}</photo></x>
       <c xmlns='http://jabber.org/protocol/caps' node='n' ver='v'/>
       <delay xmlns='urn:xmpp:delay' stamp='2026-01-01T11:00:00Z'/></presence>`,
    )
    expect(change).toEqual({
      resource: 'balcony',
      state: {
        available: true,
        show: 'away',
        texts: [
          { lang: 'en', text: 'in bed' },
          { lang: 'cs', text: 'v posteli' },
        ],
        lang: 'en',
        priority: 5,
        idleSince: NOW - 7_200_000,
        activity: { general: 'inactive', specific: 'sleeping', text: { lang: 'de', text: 'zzz' } },
        mood: { name: 'sleepy', text: undefined },
        name: 'Jule',
        avatar: HASH,
        since: NOW - 3_600_000,
      },
    })
  })
  test.for([
    ['show', '<show>so busy!</show>', 'show'],
    ['show of another namespace', "<show xmlns='urn:odd'>away</show>", 'show'],
    ['priority', '<priority>high</priority>', 'priority'],
    ['idle', "<idle xmlns='urn:xmpp:idle:1'/>", 'idleSince'],
    ['idle from the future', "<idle xmlns='urn:xmpp:idle:1' since='2027-01-01T00:00:00Z'/>", 'idleSince'],
    ['activity', `<activity xmlns='${ACTIVITY}'><constructor/></activity>`, 'activity'],
    ['hash', "<x xmlns='vcard-temp:x:update'><photo>../etc</photo></x>", 'avatar'],
    ['nick', "<nick xmlns='http://jabber.org/protocol/nick'> </nick>", 'name'],
  ] as const)('a wrong %s is left out', ([, child, field]) => {
    const change = changeOf(`<presence ${FROM}>${child}</presence>`)
    expect(change?.state.available).toBe(true)
    expect(change?.state[field]).toBeUndefined()
  })
  test('of one who leaves only the farewell', () => {
    const change = changeOf(
      `<presence ${FROM} type='unavailable'><show>away</show><priority>1</priority><status>bye</status></presence>`,
    )
    expect(change?.state).toEqual({ ...UNAVAILABLE, texts: [{ lang: undefined, text: 'bye' }], since: NOW })
  })
  test('an empty mood says that nothing is said', () =>
    expect(changeOf(`<presence ${FROM}><mood xmlns='${MOOD}'/></presence>`)?.state.mood).toEqual({
      name: undefined,
      text: undefined,
    }))
  test('a resource may hold a slash', () =>
    expect(changeOf("<presence from='juliet@example.com/a/b@c'/>")?.resource).toBe('a/b@c'))
  test('the nickname of a request', () =>
    expect(
      readNick(
        stanzaOf(
          "<presence type='subscribe'><nick xmlns='http://jabber.org/protocol/nick'>Jule</nick></presence>",
        ),
        LIMITS,
      ),
    ).toBe('Jule'))
  test('whatever the stanza, nothing is thrown', () => {
    const any = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('from', 'type', 'xml:lang', 'xmlns'), any),
        fc.array(
          fc.tuple(
            fc.constantFrom('show', 'status', 'priority', 'idle', 'mood', 'activity', 'x', 'a:b'),
            any,
            any,
          ),
        ),
        (attrs, children) => {
          const stanza = new Element('presence', attrs)
          for (const [name, xmlns, content] of children) stanza.c(name, { xmlns, since: content }).t(content)
          const change = readPresence(stanza, NOW, LIMITS)
          expect(change === undefined).toBe(!['unavailable', undefined].includes(attrs.type))
        },
      ),
    )
  })
})

describe('the state of a contact', () => {
  test('presence of one resource leaves the others', () => {
    const state = stateAfter(
      "<presence from='juliet@example.com/a'/>",
      "<presence from='juliet@example.com/b'/>",
      "<presence from='juliet@example.com/a' type='unavailable'/>",
    )
    expect([...state].map(([resource, { available }]) => [resource, available])).toEqual([
      ['b', true],
      ['a', false],
    ])
    expect([...onlyAvailable(state).keys()]).toEqual(['b'])
  })
  test('unavailable from the bare address is that of all', () => {
    const state = stateAfter(
      "<presence from='juliet@example.com/a'/>",
      "<presence from='juliet@example.com/b'/>",
      "<presence from='juliet@example.com' type='unavailable'/>",
    )
    expect([...state.values()].map(({ available }) => available)).toEqual([false, false, false])
  })
  test('it is bounded: the gone are forgotten first, then those that changed longest ago', () => {
    let state: ContactState = NO_RESOURCES
    for (const resource of ['a', 'b', 'c', 'd'])
      state = withPresence(state, { resource, state: AVAILABLE }, 3)
    expect([...state.keys()]).toEqual(['b', 'c', 'd'])
    state = withPresence(state, { resource: 'c', state: UNAVAILABLE }, 3)
    state = withPresence(state, { resource: 'e', state: AVAILABLE }, 3)
    expect([...state.keys()]).toEqual(['b', 'd', 'e'])
  })
  test('the state before is not touched', () => {
    const state = stateAfter("<presence from='juliet@example.com/a'/>")
    withPresence(state, { resource: 'b', state: AVAILABLE }, 8)
    expect([...state.keys()]).toEqual(['a'])
  })
  test('who stands for the contact: the most available, then the highest priority', () => {
    const of = (...some: readonly (readonly [string | undefined, number?])[]) =>
      leading(new Map(some.map(([show, priority], i) => [String(i), { ...AVAILABLE, show, priority }])))
    expect(of(['away', 100], [undefined])?.show).toBeUndefined()
    expect(of(['away'], ['dnd'])?.show).toBe('dnd')
    expect(of([undefined], ['chat'])?.show).toBe('chat')
    expect(of(['xa'], ['away'])?.show).toBe('away')
    expect(of(['away', 1], ['away', 2])?.priority).toBe(2)
    expect(of(['constructor'], ['xa'])?.show).toBe('xa')
    expect(leading(NO_RESOURCES)).toBeUndefined()
  })
  const rich = stateAfter(
    `<presence ${FROM} xml:lang='en'><show>away</show><status>in bed</status><priority>5</priority>
     <idle xmlns='urn:xmpp:idle:1' since='2026-01-01T10:00:00Z'/>
     <activity xmlns='${ACTIVITY}'><inactive><sleeping/></inactive><text>zzz</text></activity>
     <mood xmlns='${MOOD}'><sleepy/><text>so</text></mood>
     <nick xmlns='http://jabber.org/protocol/nick'>Jule</nick>
     <x xmlns='vcard-temp:x:update'><photo>${HASH}</photo></x></presence>`,
  )
  test('notes are withheld with every other free text, and nothing else', () => {
    const one = withhold(rich, { notes: true, rich: false }).get('balcony')
    expect(one).toEqual({
      ...rich.get('balcony'),
      texts: [],
      activity: { general: 'inactive', specific: 'sleeping', text: undefined },
      mood: { name: 'sleepy', text: undefined },
    })
  })
  test('from the public kind everything is withheld but how available somebody is', () => {
    const one = withhold(rich, { notes: true, rich: true }).get('balcony')
    expect(one).toEqual({ ...AVAILABLE, show: 'away', priority: 5, lang: 'en', since: NOW })
  })
  test('a show of the sender’s own is a text too', () => {
    const odd: ContactState = new Map([['a', { ...AVAILABLE, show: 'at-the-bank' }]])
    expect(withhold(odd, { notes: true, rich: false }).get('a')?.show).toBeUndefined()
    expect(withhold(odd, { notes: false, rich: true }).get('a')?.show).toBe('at-the-bank')
  })
  test('nothing is withheld from others', () =>
    expect(withhold(rich, { notes: false, rich: false })).toBe(rich))
})

describe('the stanzas for a watcher', () => {
  const stanzas = (before: ContactState, after: ContactState) =>
    written(presenceStanzas(before, after, WATCHED))
  const one = (inner: string, lang?: string) => stanzas(NO_RESOURCES, stateOf(document(inner, RICH), lang))

  test('a rich tuple', () => {
    const inner =
      tuple(
        "<status><basic>open</basic><show xmlns='jabber:client'>away</show></status>" +
          "<r:user-input last-input='2026-01-01T10:00:00.5Z'>idle</r:user-input>" +
          `<x xmlns='vcard-temp:x:update'><photo>${HASH}</photo></x>` +
          "<contact priority='0.039'>sip:romeo@example.net</contact><note>v posteli</note><note xml:lang='en'>in bed</note>",
      ) +
      "<dm:person id='p'><r:activities><r:note>zzz</r:note><r:sleeping/></r:activities><r:mood><r:sleepy/></r:mood>" +
      '<c:display-name>Romeo</c:display-name></dm:person>'
    expect(one(inner, 'cs')).toEqual([
      '<presence from="romeo@example.net/desk" to="juliet@example.com" xml:lang="cs"><show>away</show>' +
        '<status>v posteli</status><status xml:lang="en">in bed</status><priority>5</priority>' +
        '<idle xmlns="urn:xmpp:idle:1" since="2026-01-01T10:00:00Z"/>' +
        `<activity xmlns="${ACTIVITY}"><inactive><sleeping/></inactive><text>zzz</text></activity>` +
        `<mood xmlns="${MOOD}"><sleepy/></mood>` +
        `<x xmlns="vcard-temp:x:update"><photo>${HASH}</photo></x></presence>`,
    ])
  })
  test('a closed tuple', () => {
    const inner = `<status><basic>closed</basic><show xmlns='jabber:client'>away</show></status><note>bye</note>`
    expect(one(tuple(inner))).toEqual([
      '<presence from="romeo@example.net/desk" to="juliet@example.com" type="unavailable"><status>bye</status></presence>',
    ])
  })
  test('a document without tuples comes from the bare address', () =>
    expect(one('')).toEqual([
      '<presence from="romeo@example.net" to="juliet@example.com" type="unavailable"/>',
    ]))
  test('one stanza for each tuple', () =>
    expect(one(tuple(OPEN, 'ID-a') + tuple(OPEN, 'ID-b'))).toEqual([
      '<presence from="romeo@example.net/a" to="juliet@example.com"/>',
      '<presence from="romeo@example.net/b" to="juliet@example.com"/>',
    ]))
  test('unchanged documents give no stanza, whatever their timestamps', () => {
    const at = (time: string) =>
      stateOf(
        document(
          `<tuple id='a'>${OPEN}<note>x</note><timestamp>${time}</timestamp></tuple>
           <dm:person id='p'><r:activities><r:lunch/></r:activities><r:mood><r:happy/></r:mood>
           <dm:timestamp>${time}</dm:timestamp></dm:person>`,
          RICH,
        ),
      )
    expect(stanzas(at('2026-01-01T11:00:00Z'), at('2026-01-01T11:30:00Z'))).toEqual([])
  })
  test('only the tuple that changed gives one', () => {
    const before = stateOf(document(tuple(OPEN, 'a') + tuple(OPEN, 'b')))
    const after = stateOf(document(tuple(OPEN, 'b') + tuple(`${OPEN}<note>x</note>`, 'a')))
    expect(stanzas(before, after)).toEqual([
      '<presence from="romeo@example.net/a" to="juliet@example.com"><status>x</status></presence>',
    ])
  })
  test('vanished-tuple-gives-unavailable, after what comes in its place', () => {
    const before = stateOf(document(tuple(OPEN, 'old') + tuple(CLOSED, 'gone')))
    const after = stateOf(document(tuple(OPEN, 'new')))
    expect(stanzas(before, after)).toEqual([
      '<presence from="romeo@example.net/new" to="juliet@example.com"/>',
      '<presence from="romeo@example.net/old" to="juliet@example.com" type="unavailable"/>',
    ])
  })
  test('a tuple that closed gives one unavailable, not two', () => {
    const before = stateOf(document(tuple(OPEN, 'a')))
    const closed = stateOf(document(tuple(CLOSED, 'a')))
    expect(stanzas(before, closed)).toHaveLength(1)
    expect(stanzas(closed, closed)).toEqual([])
    expect(stanzas(closed, stateOf(document('')))).toEqual([
      '<presence from="romeo@example.net" to="juliet@example.com" type="unavailable"/>',
    ])
  })
  test('a name of its own changes no stanza, and is in none (XEP-0172 §4.1)', () => {
    const named = (name: string) =>
      stateOf(
        document(
          `${tuple(OPEN)}<dm:person id='p'><c:display-name>${name}</c:display-name></dm:person>`,
          RICH,
        ),
      )
    expect(stanzas(named('Romeo'), named('Romy'))).toEqual([])
    expect(
      one(`${tuple(OPEN)}<dm:person id='p'><c:display-name>Romeo</c:display-name></dm:person>`)[0],
    ).not.toContain('Romeo')
  })
  test('a value of show that XMPP does not have is never written', () =>
    expect(writeElement(presenceStanza('a', { ...AVAILABLE, show: 'odd' }, WATCHED))).toBe(
      '<presence from="romeo@example.net/a" to="juliet@example.com"/>',
    ))
  test('presence-goes-only-to-the-addressee', () => {
    const state = stateOf(document(tuple(OPEN, 'a') + tuple(CLOSED, 'b')))
    const to = [
      ...presenceStanzas(NO_RESOURCES, state, WATCHED),
      ...presenceStanzas(state, NO_RESOURCES, WATCHED),
      typedPresence('subscribed', WATCHED),
    ].map(({ attrs }) => attrs.to)
    expect(to).toEqual(to.map(() => 'juliet@example.com'))
    expect(to).toHaveLength(4)
  })
  test('expires-zero gives a directed unavailable, and a request may bear a nickname', () => {
    expect(writeElement(typedPresence('unavailable', WATCHED, 'Romeo'))).toBe(
      '<presence from="romeo@example.net" to="juliet@example.com" type="unavailable"/>',
    )
    expect(writeElement(typedPresence('subscribe', WATCHED, 'Romeo'))).toBe(
      '<presence from="romeo@example.net" to="juliet@example.com" type="subscribe">' +
        '<nick xmlns="http://jabber.org/protocol/nick">Romeo</nick></presence>',
    )
  })

  const some = fc
    .uniqueArray(
      fc.tuple(
        fc.constantFrom('', 'a', 'b', 'c', 'd'),
        fc.record({
          available: fc.boolean(),
          show: fc.constantFrom(undefined, 'away', 'dnd'),
          priority: fc.constantFrom(undefined, 0, 5),
        }),
      ),
      { selector: ([resource]) => resource },
    )
    .map(
      (entries): ContactState =>
        new Map(
          entries.map(([resource, parts]) => [
            resource,
            parts.available ? { ...AVAILABLE, ...parts } : UNAVAILABLE,
          ]),
        ),
    )
  test('a watcher that applies them sees the state after', () => {
    const seen = (state: ContactState) =>
      [...state]
        .filter(([, { available }]) => available)
        .map(([resource, { show, priority }]) => [resource, show, priority])
        .sort()
    fc.assert(
      fc.property(some, some, (before, after) => {
        const view = new Map(before)
        for (const stanza of presenceStanzas(before, after, WATCHED)) {
          const change = readPresence(stanza, NOW, LIMITS)
          if (change === undefined) throw new Error('no presence')
          view.set(change.resource, change.state)
        }
        expect(seen(view)).toEqual(seen(after))
        expect(presenceStanzas(after, after, WATCHED)).toEqual([])
      }),
    )
  })
})
