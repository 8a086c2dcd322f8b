import { expect, test } from 'vitest'
import { Authority, selfSigned } from './certificates.ts'
import { identityOf } from './identity.ts'
import { deepMessage, entityBomb, halfOpen, hugeMessage, keysFor, wideTag } from './s2s-hostile.ts'
import { startS2sPeer } from './s2s-peer.ts'
import { headerText } from './s2s-words.ts'

test('connections that say no more stay open until the other side closes them', async () => {
  await using peer = await startS2sPeer({ domain: 'capulet.example' })
  await using held = await halfOpen(peer.port, 20, headerText({ from: 'a.example', to: 'capulet.example' }))
  expect(held.open()).toBe(20)
  for (let at = 0; at < 20; at += 1) {
    const stream = await peer.streams.next()
    await stream.header()
    await stream.write('bye')
    stream.destroy()
  }
  await held.fewerThan(1)
  expect(held.heard().split('\n').length).toBe(20)
})

test('keys in the names of others, each for itself', async () => {
  await using peer = await startS2sPeer({ domain: 'capulet.example', receiving: { verdict: 'silent' } })
  await using mallory = await startS2sPeer({ domain: 'mallory.example' })
  const stream = await mallory.connect(peer.port)
  await stream.open({ from: 'mallory.example', to: 'capulet.example' })
  await stream.header()
  await stream.write(keysFor('capulet.example', 3, (at) => `victim${at}.example`))
  const taken = await peer.streams.next()
  await expect
    .poll(() => taken.elements.all.map((element) => element.attrs.from))
    .toEqual(['victim0.example', 'victim1.example', 'victim2.example'])
})

test('a certificate signed by itself in a victim’s name proves nothing', async () => {
  const authority = new Authority('Test authority')
  const forged = selfSigned({ commonName: 'victim.example', dns: ['victim.example'], purposes: ['server'] })
  await using peer = await startS2sPeer({
    domain: 'capulet.example',
    identity: identityOf(authority, 'capulet.example'),
    receiving: { dialback: [] },
  })
  await using mallory = await startS2sPeer({
    domain: 'mallory.example',
    identity: { cert: forged.cert, key: forged.key, ca: authority.pem },
    places: { 'capulet.example': peer.port },
  })
  const manner = { from: 'victim.example', external: 'always', dialback: [] } as const
  const outcome = await mallory.federate('capulet.example', manner)
  expect(outcome).toMatchObject({ kind: 'refused', by: 'them', condition: 'not-authorized' })
  expect((await peer.streams.next()).tls?.certificate?.subjectAltName).toBe('DNS:victim.example')
})

test('bombs are small, and what they come to is not', () => {
  const bomb = entityBomb()
  expect(bomb.length).toBeLessThan(1000)
  expect(bomb.match(/<!ENTITY/g)?.length).toBe(10)
  expect(bomb.match(/&e8;/g)?.length).toBe(10)
  expect(deepMessage(3)).toBe('<message><a><a><a>')
  expect(wideTag(2)).toBe("<message a0='1' a1='1'>")
  expect(hugeMessage(10, 'a@a.example', 'b@b.example')).toContain('<body>xxxxxxxxxx</body>')
})
