import fc from 'fast-check'
import { parse } from 'ltx'
import { describe, expect, test } from 'vitest'
import { readPidf } from '../../../src/interworking/presence/pidf-read.ts'
import { pidfToState } from '../../../src/interworking/presence/pidf-to-state.ts'
import { writePidf } from '../../../src/interworking/presence/pidf-write.ts'
import {
  nextTimestamp,
  presentityUri,
  stateToPidf,
} from '../../../src/interworking/presence/presence-to-pidf.ts'
import {
  type ContactState,
  NO_RESOURCES,
  type ResourceState,
} from '../../../src/interworking/presence/state.ts'
import { parseUri } from '../../../src/sip/uri-parse.ts'
import { uriText } from '../../../src/sip/uri-write.ts'
import {
  AVAILABLE,
  CLOSED,
  document,
  JULIET,
  LIMITS,
  NOW,
  OPEN,
  RICH,
  read,
  sipUri,
  stateAfter,
  stateOf,
  tuple,
} from './support.ts'

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const writtenOf = (state: ContactState) =>
  text(writePidf(stateToPidf(state, { uri: JULIET, timestamp: NOW })))
/** By a reader that is not ours. */
const parsed = (state: ContactState) => parse(writtenOf(state).replace(/^<\?.*\?>/, ''))
const refused = (text: string, limits = LIMITS) => {
  const result = readPidf(new TextEncoder().encode(text), limits)
  return result.ok ? undefined : result.error
}

describe('a document for a SIP watcher', () => {
  test('all-resources-in-one-document', () => {
    const state = stateAfter(
      "<presence from='juliet@example.com/balcony'><show>away</show><priority>5</priority></presence>",
      "<presence from='juliet@example.com/chamber'><priority>-1</priority></presence>",
    )
    expect(writtenOf(state)).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:juliet@example.com">' +
        '<tuple id="ID-balcony"><status><basic>open</basic><show xmlns="jabber:client">away</show></status>' +
        '<contact priority="0.039">sip:juliet@example.com;gr=balcony</contact>' +
        '<timestamp>2026-01-01T12:00:00.000Z</timestamp></tuple>' +
        '<tuple id="ID-chamber"><status><basic>open</basic></status>' +
        '<contact>sip:juliet@example.com;gr=chamber</contact>' +
        '<timestamp>2026-01-01T12:00:00.000Z</timestamp></tuple>' +
        '</presence>',
    )
  })
  test('the order of RFC 3863 §4.1.1 and §4.1.2: status, extensions, contact, notes, timestamp; tuples, then the person', () => {
    const state = stateAfter(
      "<presence from='juliet@example.com/balcony' xml:lang='en'><show>dnd</show><status>a</status>" +
        "<status xml:lang='cs'>b</status><priority>1</priority>" +
        "<idle xmlns='urn:xmpp:idle:1' since='2025-12-31T00:00:00Z'/>" +
        "<x xmlns='vcard-temp:x:update'><photo>01b87fcd030b72895ff8e88db57ec525450f000d</photo></x>" +
        "<mood xmlns='http://jabber.org/protocol/mood'><happy/><text>yes</text></mood>" +
        "<activity xmlns='http://jabber.org/protocol/activity'><eating><having_lunch/></eating></activity>" +
        "<nick xmlns='http://jabber.org/protocol/nick'>Jule</nick></presence>",
    )
    const root = parsed(state)
    expect(root.getChildElements().map(({ name }) => name)).toEqual(['tuple', 'dm:person'])
    expect(
      root
        .getChild('tuple')
        ?.getChildElements()
        .map(({ name }) => name),
    ).toEqual(['status', 'rpid:user-input', 'x', 'contact', 'note', 'note', 'timestamp'])
    expect(
      root
        .getChild('tuple')
        ?.getChildren('note')
        .map(({ attrs }) => attrs['xml:lang']),
    ).toEqual(['en', 'cs'])
    expect(root.getChild('person')?.toString()).toBe(
      '<dm:person id="person"><rpid:activities><rpid:busy/><rpid:lunch/></rpid:activities>' +
        '<rpid:mood><rpid:note xml:lang="en">yes</rpid:note><rpid:happy/></rpid:mood>' +
        '<rpid:user-input last-input="2025-12-31T00:00:00.000Z">idle</rpid:user-input>' +
        '<cipid:display-name>Jule</cipid:display-name>' +
        '<dm:timestamp>2026-01-01T12:00:00.000Z</dm:timestamp></dm:person>',
    )
  })
  test('expires-zero-gives-closed-and-directed-unavailable-not-unsubscribe: at least one tuple, closed', () => {
    const root = parsed(NO_RESOURCES)
    expect(root.getChildren('tuple')).toHaveLength(1)
    expect(root.getChild('tuple')?.attrs.id).toBe('ID-')
    expect(root.getChild('tuple')?.getChild('status')?.getChildText('basic')).toBe('closed')
    expect(root.getChild('tuple')?.getChildText('contact')).toBe('sip:juliet@example.com')
  })
  test('a resource that goes is closed, the others stay', () => {
    const state = stateAfter(
      "<presence from='juliet@example.com/balcony'/>",
      "<presence from='juliet@example.com/chamber'/>",
      "<presence from='juliet@example.com/balcony' type='unavailable'><status>bye</status></presence>",
    )
    const [chamber, balcony] = read(writtenOf(state)).tuples
    expect([chamber?.id, chamber?.basic]).toEqual(['ID-chamber', 'open'])
    expect([balcony?.id, balcony?.basic, balcony?.notes]).toEqual([
      'ID-balcony',
      'closed',
      [{ lang: undefined, text: 'bye' }],
    ])
  })
  test('the person is as its most available resource', () => {
    const away = "<presence from='juliet@example.com/a'><show>away</show></presence>"
    expect(read(writtenOf(stateAfter(away))).person?.activities?.values).toEqual(['away'])
    const both = stateAfter(away, "<presence from='juliet@example.com/b'/>")
    expect(read(writtenOf(both)).person).toBeUndefined()
    const busy = stateAfter(away, "<presence from='juliet@example.com/b'><show>dnd</show></presence>")
    expect(read(writtenOf(busy)).person?.activities?.values).toEqual(['busy'])
  })
  test('the person is idle when every device is, since the last of them', () => {
    const idle = (resource: string, since: string) =>
      `<presence from='juliet@example.com/${resource}'><idle xmlns='urn:xmpp:idle:1' since='${since}'/>
       <nick xmlns='http://jabber.org/protocol/nick'>J</nick></presence>`
    const both = [idle('a', '2025-12-31T10:00:00Z'), idle('b', '2025-12-31T11:00:00Z')]
    const input = (state: ContactState) => read(writtenOf(state)).person?.input
    expect(input(stateAfter(...both))).toEqual({ idle: true, last: Date.UTC(2025, 11, 31, 11) })
    expect(input(stateAfter(...both, "<presence from='juliet@example.com/c'/>"))).toBeUndefined()
    expect(
      input(stateAfter(...both, "<presence from='juliet@example.com/c' type='unavailable'/>"))?.idle,
    ).toBe(true)
  })
  test('a value of show of the sender’s own is kept', () => {
    const state = stateAfter("<presence from='juliet@example.com/a'><show>constructor</show></presence>")
    expect(read(writtenOf(state)).tuples[0]?.show).toBe('constructor')
    expect(read(writtenOf(state)).person).toBeUndefined()
  })
  test('what a user wrote stays text', () => {
    const state = stateAfter(
      "<presence from='juliet@example.com/&lt;a b=&quot;'><status>&lt;/note>&amp;]]&gt;</status></presence>",
    )
    expect(read(writtenOf(state)).tuples[0]?.notes[0]?.text).toBe('</note>&]]>')
    expect([...stateOf(writtenOf(state)).keys()]).toEqual(['<a b="'])
  })

  test('no two documents have the same timestamp', () => {
    expect(nextTimestamp(NOW, undefined)).toBe(NOW)
    expect(nextTimestamp(NOW, NOW - 1)).toBe(NOW)
    expect(nextTimestamp(NOW, NOW)).toBe(NOW + 1)
    expect(nextTimestamp(NOW, NOW + 5000)).toBe(NOW + 5001)
  })
  test('the newest tuple has the time of the document, the others that of their own change', () => {
    const state: ContactState = new Map([
      ['a', { ...AVAILABLE, since: NOW - 60_000 }],
      ['b', { ...AVAILABLE, since: NOW - 5_000 }],
      ['c', { ...AVAILABLE, since: undefined }],
    ])
    const { tuples } = stateToPidf(state, { uri: JULIET, timestamp: NOW })
    expect(tuples.map(({ timestamp }) => timestamp)).toEqual([NOW - 60_000, NOW, undefined])
  })
  test.for([
    ['sip:juliet@example.com', 'pres:juliet@example.com'],
    ['sip:first.last@example.com', 'pres:first.last@example.com'],
    ['sip:a;b=c(d),e@example.com', 'pres:a%3Bb=c%28d%29%2Ce@example.com'],
    ['sip:tsch%C3%BCss@example.com', 'pres:tsch%C3%BCss@example.com'],
    ['sip:example.com', 'sip:example.com'],
  ] as const)('the presentity %s is %s', ([uri, wanted]) => {
    expect(presentityUri(sipUri(uri))).toBe(wanted)
    const back = parseUri(wanted)
    expect(back.ok && uriText(back.value)).toBe(wanted)
  })
})

describe('a document from SIP', () => {
  test('the examples of RFC 3863 §4.3', () => {
    const pidf = read(
      `<?xml version="1.0" encoding="UTF-8"?>
      <impp:presence xmlns:impp="urn:ietf:params:xml:ns:pidf" xmlns:myex="http://id.example.com/presence/"
           entity="pres:someone@example.com">
        <impp:tuple id="ck38g9">
          <impp:status><impp:basic> open </impp:basic><myex:basic>closed</myex:basic></impp:status>
          <myex:mytupletag><impp:contact>sip:wrong</impp:contact></myex:mytupletag>
          <impp:contact priority="0.65">tel:+09012345678</impp:contact>
          <impp:note xml:lang="en">Don't Disturb Please!</impp:note>
          <impp:note xml:lang="fr">Ne derangez pas</impp:note>
          <impp:timestamp>2001-10-27T16:49:29+02:00</impp:timestamp>
        </impp:tuple>
        <impp:tuple id="md66je">
          <impp:status><impp:basic>open</impp:basic></impp:status>
          <impp:contact priority="1.0">
             im:someone@mobilecarrier.net</impp:contact>
        </impp:tuple>
        <impp:note>I'll be in Tokyo next week</impp:note>
        <myex:mytag>My extended presentity information</myex:mytag>
      </impp:presence>`,
    )
    expect(pidf).toEqual({
      entity: 'pres:someone@example.com',
      tuples: [
        {
          id: 'ck38g9',
          basic: 'open',
          show: undefined,
          input: undefined,
          avatar: undefined,
          contact: { uri: 'tel:+09012345678', priority: 650 },
          notes: [
            { lang: 'en', text: "Don't Disturb Please!" },
            { lang: 'fr', text: 'Ne derangez pas' },
          ],
          timestamp: Date.UTC(2001, 9, 27, 14, 49, 29),
        },
        expect.objectContaining({
          id: 'md66je',
          contact: { uri: 'im:someone@mobilecarrier.net', priority: 1000 },
        }),
      ],
      notes: [{ lang: undefined, text: "I'll be in Tokyo next week" }],
      person: undefined,
    })
  })
  test('the example of RFC 4480 §4, where the assistant is not the presentity', () => {
    const state = stateOf(
      document(
        `<tuple id="bs35r9">${OPEN}<dm:deviceID>urn:device:0003ba4811e3</dm:deviceID>
           <r:relationship><r:self/></r:relationship><contact priority="0.8">im:someone@example.net</contact></tuple>
         <tuple id="ty4658">${OPEN}<r:relationship><r:assistant/></r:relationship></tuple>
         <note>I'll be in Tokyo next week</note>
         <dm:device id="pc147"><r:user-input idle-threshold="600" last-input="2004-10-21T13:20:00-05:00">idle</r:user-input>
           <dm:deviceID>urn:device:0003ba4811e3</dm:deviceID><dm:note>PC</dm:note></dm:device>
         <dm:person id="p1">
           <r:activities from="2005-05-30T12:00:00+05:00" until="2005-05-30T17:00:00+05:00"><r:note>Far away</r:note>
             <r:away/></r:activities>
           <r:class>calendar</r:class><r:mood><r:angry/><r:other>brooding</r:other></r:mood>
           <r:place-is><r:audio><r:noisy/></r:audio></r:place-is>
           <dm:note>Scoring 120</dm:note><dm:timestamp>2005-05-30T16:09:44+05:00</dm:timestamp></dm:person>`,
        RICH,
      ),
    )
    expect([...state]).toEqual([
      [
        'bs35r9',
        {
          ...AVAILABLE,
          show: 'away',
          texts: [{ lang: undefined, text: 'Scoring 120' }],
          priority: 102,
          idleSince: Date.UTC(2004, 9, 21, 18, 20),
          mood: { name: 'angry', text: undefined },
        },
      ],
    ])
  })
  test('a document of baresip, and one of PJSIP', () => {
    const baresip = stateOf(
      document(
        `<dm:person id="p4159"><r:activities/></dm:person>
         <tuple id="t4109">${OPEN}<contact>sip:romeo@example.net</contact></tuple>`,
        RICH,
      ),
    )
    expect([...baresip]).toEqual([['t4109', AVAILABLE]])
    const pjsip = stateOf(
      document(
        `<tuple id="pj1">${OPEN}<contact>sip:romeo@example.net</contact><timestamp>2026-01-01T11:00:00.123Z</timestamp></tuple>
         <dm:person id="pj2"><r:activities><r:busy/></r:activities><dm:note>On the balcony</dm:note></dm:person>`,
        RICH,
      ),
    )
    expect(pjsip.get('pj1')).toMatchObject({ show: 'dnd', texts: [{ text: 'On the balcony' }] })
  })
  test('of several persons the one that changed last counts', () => {
    const person = (mood: string, at: string) =>
      `<dm:person id='${mood}'><r:mood><r:${mood}/></r:mood><dm:timestamp>${at}</dm:timestamp></dm:person>`
    const three =
      person('sad', '2026-01-01T11:00:00Z') + person('happy', '2026-01-01T12:00:00Z') + person('shy', 'x')
    expect(read(document(three, RICH)).person?.mood?.values).toEqual(['happy'])
  })
  test.for([
    ['away', 'away'],
    ['busy', 'dnd'],
    ['on-the-phone', 'dnd'],
    ['sleeping', 'xa'],
    ['meeting', undefined],
    ['vacation', undefined],
    ['unknown', undefined],
  ] as const)('the activity %s without show gives %s', ([activity, show]) => {
    const person = `<dm:person id='p'><r:activities><r:${activity}/></r:activities></dm:person>`
    expect(stateOf(document(tuple(OPEN) + person, RICH)).get('desk')?.show).toBe(show)
  })
  test('show comes before activities, unless XMPP does not know its value', () => {
    const person = "<dm:person id='p'><r:activities><r:busy/></r:activities></dm:person>"
    const shown = (show: string) =>
      tuple(`<status><basic>open</basic><show xmlns='jabber:client'>${show}</show></status>`)
    expect(stateOf(document(shown('chat') + person, RICH)).get('desk')?.show).toBe('chat')
    expect(stateOf(document(shown('Busy!') + person, RICH)).get('desk')?.show).toBe('dnd')
  })
  test.for([
    ['idle since', "<r:user-input last-input='2026-01-01T10:00:00Z'>idle</r:user-input>", NOW - 7_200_000],
    ['idle, nobody says since when', '<r:user-input>idle</r:user-input>', undefined],
    ['active', "<r:user-input last-input='2026-01-01T10:00:00Z'>active</r:user-input>", undefined],
    ['nonsense', "<r:user-input last-input='2026-01-01T10:00:00Z'>perhaps</r:user-input>", undefined],
  ] as const)('%s', ([, input, since]) =>
    expect(stateOf(document(tuple(OPEN + input), RICH)).get('desk')?.idleSince).toBe(since),
  )
  test('notes: of the tuple, else of the person, else of the document', () => {
    const [own, persons, documents] = [
      '<note>a</note>',
      "<dm:person id='p'><dm:note>b</dm:note></dm:person>",
      '<note>c</note>',
    ]
    const noteOf = (inner: string) => stateOf(document(inner, RICH)).get('desk')?.texts[0]?.text
    expect(noteOf(tuple(OPEN + own) + documents + persons)).toBe('a')
    expect(noteOf(tuple(OPEN) + documents + persons)).toBe('b')
    expect(noteOf(tuple(OPEN) + documents)).toBe('c')
  })
  test('the language of a note: its own, that of what is around it, that of the NOTIFY', () => {
    const texts = (inner: string, attrs = '', lang?: string) =>
      stateOf(document(inner, attrs), lang)
        .get('desk')
        ?.texts.map((one) => `${one.lang}:${one.text}`)
    const note = tuple(`${OPEN}<note>a</note><note xml:lang='cs'>b</note>`)
    expect(texts(note)).toEqual(['undefined:a', 'cs:b'])
    expect(texts(note, "xml:lang='de'")).toEqual(['de:a', 'cs:b'])
    expect(texts(note, '', 'en')).toEqual(['en:a', 'cs:b'])
    expect(texts(note, '', 'CS')).toEqual(['cs:b'])
  })
  test('a tuple without basic is open where it has show, else about something else', () => {
    const shown = "<status><show xmlns='jabber:client'>away</show></status>"
    expect([
      ...stateOf(document(tuple(shown, 'a') + tuple('<status/>', 'b') + tuple(OPEN, 'c'))).keys(),
    ]).toEqual(['a', 'c'])
  })
  test('a document without tuples is of a user who is nowhere; with notes alone it says nothing', () => {
    expect([...stateOf(document(''))].map(([resource, { available }]) => [resource, available])).toEqual([
      ['', false],
    ])
    expect(pidfToState(read(document('<note>hi</note>')), undefined)).toBeUndefined()
  })
  test('of two tuples with one identifier the more available counts', () => {
    const both = tuple(CLOSED) + tuple(OPEN) + tuple(CLOSED)
    expect(stateOf(document(both)).get('desk')?.available).toBe(true)
  })
  test.for([
    ['a wrong priority', "<contact priority='1.5'>sip:a@b</contact>", 'priority'],
    ['a wrong timestamp', '<timestamp>yesterday</timestamp>', 'since'],
    ['a wrong hash', "<x xmlns='vcard-temp:x:update'><photo>xyz</photo></x>", 'avatar'],
    ['an empty update', "<x xmlns='vcard-temp:x:update'/>", 'avatar'],
  ] as const)('%s is as if it were not there', ([, inner, field]) => {
    const state = stateOf(document(tuple(OPEN + inner))).get('desk')
    expect(state?.available).toBe(true)
    expect(state?.[field]).toBeUndefined()
  })
  test('the hash of an avatar is kept, and that there is none', () => {
    const photo = (hash: string) => `<x xmlns='vcard-temp:x:update'><photo>${hash}</photo></x>`
    const hash = '01B87FCD030B72895FF8E88DB57EC525450F000D'
    expect(stateOf(document(tuple(OPEN + photo(hash)))).get('desk')?.avatar).toBe(hash.toLowerCase())
    expect(stateOf(document(tuple(OPEN + photo('')))).get('desk')?.avatar).toBe('')
  })
  test('without entity and identifier it is read all the same (RFC 4479 §5)', () => {
    const bare = `<presence xmlns='urn:ietf:params:xml:ns:pidf'><tuple>${OPEN}</tuple></presence>`
    expect([...stateOf(bare).keys()]).toEqual([''])
  })
  test('what must be understood and is not takes what is around it along (RFC 3863 §4.2.3)', () => {
    const person = (inner: string) =>
      read(
        document(
          `<dm:person id='p'><r:activities><r:away/>${inner}</r:activities></dm:person>`,
          `${RICH} xmlns:p='urn:ietf:params:xml:ns:pidf' xmlns:q='urn:q'`,
        ),
      ).person?.activities?.values
    expect(person("<q:a p:mustUnderstand='1'/>")).toBeUndefined()
    expect(person("<q:a p:mustUnderstand='true'/>")).toBeUndefined()
    expect(person("<q:a mustUnderstand='1'/>")).toBeUndefined()
    expect(person("<q:a q:mustUnderstand='1'/>")).toEqual(['away'])
    expect(person("<q:a p:mustUnderstand='0'/>")).toEqual(['away'])
    expect(person("<q:a><q:b p:mustUnderstand='1'/></q:a>")).toEqual(['away'])
  })
  test('unknown elements and attributes are ignored, with all that is in them', () => {
    const odd = `<tuple id='ID-desk' odd='1'><status odd='2'><basic xmlns=''>closed</basic><basic odd='3'>open</basic>
      <odd><basic>closed</basic></odd></status><odd><note>x</note></odd></tuple><odd>${tuple(OPEN, 'other')}</odd>`
    expect([...stateOf(document(odd))]).toEqual([['desk', AVAILABLE]])
  })
})

describe('hostile XML is refused', () => {
  test.for([
    [
      'an external entity',
      "<!DOCTYPE presence [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
      '<note>&x;</note>',
    ],
    ['entities that grow', "<!DOCTYPE presence [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]>", '<note>&b;</note>'],
    ['a document type alone', '<!DOCTYPE presence>', ''],
    ['a processing instruction', '<?xml-stylesheet href="http://evil.example/"?>', ''],
    ['an include, unresolved and unbound', '', "<xi:include href='file:///etc/passwd'/>"],
    ['an attribute twice', '', "<tuple id='a' id='b'/>"],
    ['a control character', '', '<note>\u0007</note>'],
    ['an element that does not end', '', '<tuple>'],
  ])('%s', ([, before, inside]) => {
    const xml = `${before}<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:a@b'>${inside}</presence>`
    expect(refused(xml as string)).toBe('malformed')
  })
  test('what is no presence document', () => {
    expect(refused("<presence xmlns='jabber:client'/>")).toBe('malformed')
    expect(refused("<tuple xmlns='urn:ietf:params:xml:ns:pidf'/>")).toBe('malformed')
    expect(refused('')).toBe('malformed')
    expect(refused('hello')).toBe('malformed')
  })
  test('too much: octets, depth, attributes, tuples', () => {
    const { document: limits } = LIMITS
    expect(refused(document(`<note>${'x'.repeat(limits.stanzaBytes)}</note>`))).toBe('too-large')
    expect(refused(document('<a>'.repeat(limits.depth) + '</a>'.repeat(limits.depth)))).toBe('too-large')
    const attributes = Array.from({ length: limits.attributes + 1 }, (_, i) => `a${i}=''`).join(' ')
    expect(refused(document(`<note ${attributes}/>`))).toBe('too-large')
    const tuples = (count: number) => Array.from({ length: count }, (_, i) => tuple(OPEN, `t${i}`)).join('')
    expect(refused(document(tuples(LIMITS.resources)))).toBeUndefined()
    expect(refused(document(tuples(LIMITS.resources + 1)))).toBe('too-large')
  })
  test('many notes and long ones are cut', () => {
    const notes = Array.from(
      { length: 50 },
      (_, i) => `<note xml:lang='x-${i}'>${'y'.repeat(1100)}</note>`,
    ).join('')
    const { tuples } = read(document(tuple(OPEN + notes)))
    expect(tuples[0]?.notes).toHaveLength(LIMITS.texts)
    expect(tuples[0]?.notes.every((note) => note.text.length === LIMITS.textLength)).toBe(true)
  })
  test('any octets are read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (noise, at) => {
        const bytes = new TextEncoder().encode(document(tuple(`${OPEN}<note>a</note>`)))
        bytes.set(noise.subarray(0, 3), at % (bytes.length - 3))
        for (const input of [noise, bytes]) {
          const result = readPidf(input, LIMITS)
          if (result.ok) expect(pidfToState(result.value, 'en')?.size).not.toBe(0)
          else expect(['malformed', 'too-large']).toContain(result.error)
        }
      }),
    )
  })
})

describe('there and back', () => {
  const clean = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    .map((text) => text.replace(/[\0-\x1f\ufffe\uffff]/g, '').trim())
    .filter((text) => text !== '')
  const texts = fc.uniqueArray(fc.tuple(fc.constantFrom('en', 'cs', 'de', undefined), clean), {
    selector: ([lang]) => lang,
    maxLength: 3,
  })
  const one: fc.Arbitrary<ResourceState> = fc
    .record({
      available: fc.boolean(),
      show: fc.constantFrom(undefined, 'away', 'chat', 'dnd', 'xa'),
      texts,
      priority: fc.option(fc.integer({ min: 0, max: 127 }), { nil: undefined }),
      idleSince: fc.option(
        fc.integer({ min: 0, max: NOW / 1000 }).map((seconds) => seconds * 1000),
        { nil: undefined },
      ),
      avatar: fc.constantFrom(undefined, '', '01b87fcd030b72895ff8e88db57ec525450f000d'),
    })
    .map((some) => {
      const said = some.texts.map(([lang, text]) => ({ lang, text }))
      return some.available
        ? { ...AVAILABLE, ...some, texts: said }
        : { ...AVAILABLE, available: false, texts: said }
    })
  const resource = fc.constantFrom('balcony', 'a b', '1', '_x41_', 'Балкон', '"<&>', 'urn:uuid:a/b')
  const states = fc
    .uniqueArray(fc.tuple(resource, one), { selector: ([name]) => name, minLength: 1, maxLength: 4 })
    .map((entries): ContactState => new Map(entries))

  test('show-survives-in-pidf-both-ways, and so do status, priority, resource, idle time, avatar', () => {
    fc.assert(
      fc.property(states, (state) => {
        const back = stateOf(writtenOf(state))
        const bare = (known: ContactState) =>
          [...known].map(([name, one]) => [name, { ...one, since: undefined }])
        expect(bare(back)).toEqual(bare(state))
      }),
      { numRuns: 300 },
    )
  })
})
