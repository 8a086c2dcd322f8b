import { expect, test } from 'vitest'
import { type Kept, keptDialog, readKept } from '../../../src/edge/presence/kept.ts'
import type { PresencePair } from '../../../src/edge/presence/store.ts'

const pair: PresencePair = { direction: 'in', xmpp: 'juliet@xmpp.example', sip: 'sip:romeo@sip.example' }
const kept: Kept = {
  saved: {
    version: 1,
    dialog: {
      callId: 'c',
      localTag: 'l',
      remoteTag: 'r',
      localUri: 'sip:juliet@xmpp.example',
      remoteUri: 'sip:romeo@sip.example',
      localCSeq: 256,
      remoteCSeq: 1,
      routes: ['<sip:edge.example;lr>'],
      target: 'sip:romeo@192.0.2.1',
      secure: false,
    },
    event: 'presence',
    status: 'active',
    until: 1_795_700_000_000,
  },
  home: 'main',
  shown: ['orchard', ''],
}

test('what is kept comes back as it was', () => {
  const stored = keptDialog(pair, 'l', kept)
  expect(stored).toMatchObject({ ...pair, id: 'l', until: kept.saved.until })
  expect(readKept(stored)).toEqual(kept)
})

test.for([
  ['no JSON', 'x'],
  ['nothing', 'null'],
  ['a text', '"x"'],
  ['a list', '[]'],
  ['another version', JSON.stringify({ ...kept, saved: { ...kept.saved, version: 2 } })],
  ['no home', JSON.stringify({ ...kept, home: undefined })],
  ['no list of resources', JSON.stringify({ ...kept, shown: 'orchard' })],
  ['a resource that is none', JSON.stringify({ ...kept, shown: [1] })],
  ['half a dialog', JSON.stringify({ ...kept, saved: { ...kept.saved, dialog: { callId: 'c' } } })],
] as const)('%s: it is begun anew', ([, body]) => {
  expect(readKept({ ...pair, id: 'l', until: 0, body })).toBeUndefined()
})
