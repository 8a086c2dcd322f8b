import { DEFAULT_PRESENCE_LIMITS } from '../../src/interworking/presence/limits.ts'
import { readPidf } from '../../src/interworking/presence/pidf-read.ts'
import { pidfToState } from '../../src/interworking/presence/pidf-to-state.ts'
import { writePidf } from '../../src/interworking/presence/pidf-write.ts'
import { readPresence } from '../../src/interworking/presence/presence-read.ts'
import { stateToPidf } from '../../src/interworking/presence/presence-to-pidf.ts'
import { presenceStanzas } from '../../src/interworking/presence/presence-write.ts'
import { type ContactState, NO_RESOURCES, withPresence } from '../../src/interworking/presence/state.ts'
import type { SipUri } from '../../src/sip/uri.ts'
import { parseUri } from '../../src/sip/uri-parse.ts'
import { xml } from '../../src/xmpp/xml/element.ts'
import { measure } from './harness.ts'

/** Documents with three tuples, of which two have a note, and one is idle. */
const now = Date.now()
const limits = DEFAULT_PRESENCE_LIMITS
const at = <T>(list: readonly T[], i: number): T => list[i % list.length] as T

const stanzas = Array.from({ length: 300 }, (_, i) => [
  xml(
    'presence',
    { from: `user${i}@xmpp.example/desk`, to: 'peer@sip.example', 'xml:lang': 'en' },
    xml('show', {}, i % 2 === 0 ? 'away' : 'dnd'),
    xml('status', {}, `Art thou not Romeo, and a Montague? ${i}`),
    xml('priority', {}, '5'),
    xml('idle', { xmlns: 'urn:xmpp:idle:1', since: '2025-12-31T10:00:00Z' }),
  ),
  xml(
    'presence',
    { from: `user${i}@xmpp.example/phone.${i}`, to: 'peer@sip.example' },
    xml('status', {}, 'on the road'),
  ),
  xml('presence', { from: `user${i}@xmpp.example/a b`, to: 'peer@sip.example' }, xml('show', {}, 'xa')),
])
const states = stanzas.map((three) => three.reduce(after, NO_RESOURCES))

function after(state: ContactState, stanza: Parameters<typeof readPresence>[0]): ContactState {
  const change = readPresence(stanza, now, limits)
  if (change === undefined) throw new Error('no presence')
  return withPresence(state, change, limits.resources)
}
const uris = states.map((_, i) => {
  const uri = parseUri(`sip:user${i}@xmpp.example`)
  if (!uri.ok) throw new Error(uri.error)
  return uri.value as SipUri
})

measure('presence/a stanza read into a state of three resources', (i) =>
  after(at(states, i), at(at(stanzas, i), i)),
)
const documents = states.map((state, i) =>
  writePidf(stateToPidf(state, { uri: at(uris, i), timestamp: now })),
)
const bytes = documents[0]?.length ?? 0
measure(
  'presence/a state written as a document, three tuples',
  (i) => writePidf(stateToPidf(at(states, i), { uri: at(uris, i), timestamp: now })),
  { bytes },
)
function stateOf(document: Uint8Array): ContactState {
  const read = readPidf(document, limits)
  const state = read.ok ? pidfToState(read.value, 'en') : undefined
  if (state?.size !== 3) throw new Error('not read')
  return state
}
measure('presence/a document read into a state, three tuples', (i) => stateOf(at(documents, i)), { bytes })

const read = documents.map(stateOf)
const again = documents.map(stateOf)
const parties = { from: 'peer@sip.example', to: 'user@xmpp.example' }
measure('presence/stanzas for a state that did not change', (i) => {
  const some = presenceStanzas(at(read, i), at(again, i), parties)
  if (some.length !== 0) throw new Error('changed')
  return some
})
measure('presence/stanzas for a state of which one of three changed', (i) => {
  const before = at(read, i)
  const some = presenceStanzas(before, at(read, i + 1), parties)
  if (some.length === 0) throw new Error('not changed')
  return some
})
