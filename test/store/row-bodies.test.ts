import { expect, test } from 'vitest'
import { jsonOf, readBody } from '../../src/store/row-bodies.ts'
import { xmppProvider } from '../compliance/fixtures.ts'

test('a provider that was stored before there were fixed hosts has none', () => {
  const { server: _, ...old } = jsonOf(xmppProvider('Old', 'old.example'))
  const read = readBody('providers', 'Old', JSON.stringify(old))
  expect(read).toMatchObject({ name: 'Old', negotiation: { connections: 3 } })
  expect(read).not.toMatchObject({ server: expect.anything() })
})

test.for([
  [{ host: 'xmpp.example', port: 5269 }, 'server: tls'],
  [{ host: 'xmpp.example', port: 5269, tls: 'always' }, 'server: tls'],
  ['xmpp.example', 'server'],
] as const)('a fixed host of %j is no such row', ([server, where]) => {
  const row = { ...jsonOf(xmppProvider('Odd', 'odd.example')), server }
  expect(() => readBody('providers', 'Odd', JSON.stringify(row))).toThrow(where)
})
