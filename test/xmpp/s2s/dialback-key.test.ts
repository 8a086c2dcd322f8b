import { describe, expect, test } from 'vitest'
import { DialbackKeys } from '../../../src/xmpp/s2s/dialback-key.ts'
import { tableRows } from '../../support/vectors.ts'

interface Row {
  readonly secret: string
  readonly receiving: string
  readonly originating: string
  readonly stream_id: string
  readonly key: string
}
const rows = tableRows<Row>('dialback-keys')

describe('component-handshake-and-dialback-key-match-vectors', () => {
  test('there are vectors', () => expect(rows.length).toBe(3))

  test.for(rows)('$originating to $receiving', ({ secret, receiving, originating, stream_id, key }) => {
    const keys = new DialbackKeys([secret])
    const what = { receiving, originating, streamId: stream_id }
    expect(keys.of(what)).toBe(key)
    expect(keys.made(key, what)).toBe(true)
  })
})

const what = { receiving: 'montague.example', originating: 'capulet.example', streamId: 'D60000229F' }

describe('a key that we did not make', () => {
  const keys = new DialbackKeys(['s3cr3tf0rd14lb4ck'])
  const key = keys.of(what)

  test.for([
    ['of another stream', key, { ...what, streamId: 'D60000229E' }],
    ['of another target', key, { ...what, receiving: 'chat.montague.example' }],
    ['of another sender', key, { ...what, originating: 'rooms.capulet.example' }],
    ['the other way round', key, { ...what, receiving: what.originating, originating: what.receiving }],
    ['one character off', `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`, what],
    ['cut short', key.slice(0, -1), what],
    ['longer', `${key}0`, what],
    ['in capitals', key.toUpperCase(), what],
    ['nothing', '', what],
    ['as many characters in more octets', 'é'.repeat(64), what],
    ['made with another secret', new DialbackKeys(['other']).of(what), what],
  ] as const)('%s', ([, given, about]) => {
    expect(keys.made(given, about)).toBe(false)
  })
})

test('keys of the secret before still count, new ones are made with the first', () => {
  const before = new DialbackKeys(['old'])
  const after = new DialbackKeys(['new', 'old'])
  expect(after.made(before.of(what), what)).toBe(true)
  expect(after.of(what)).toBe(new DialbackKeys(['new']).of(what))
  expect(before.made(after.of(what), what)).toBe(false)
})
