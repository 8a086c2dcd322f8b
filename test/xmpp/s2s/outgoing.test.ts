import { describe, expect, test } from 'vitest'
import { until } from '../../support/patient-clock.ts'
import { featuresOf, headerOf, politePeer, type Traits } from './polite-peer.ts'
import { type BedOptions, CAPULET, issue, MATCHING, MONTAGUE, poolBed } from './pool-bed.ts'
import { rawServer, type Script } from './raw-server.ts'
import { domain } from './support.ts'
import { arrived, readBy, withPeer } from './with-peer.ts'

const HEADER = /<stream:stream[^>]*>/
const SECURE: BedOptions['rules'] = { accepted: ['sasl-tls', 'tls-dialback'] }
const IN_CLEAR: BedOptions['rules'] = { accepted: ['tcp-dialback'] }
const STARTTLS = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
const PROCEED = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

describe('what is said', () => {
  test('header, EXTERNAL with our domain, header again, then stanzas', async () => {
    await using bed = await withPeer({ shows: MATCHING })
    bed.send('m1')
    await arrived(bed.server, '</message>')
    const header =
      '<?xml version="1.0"?><stream:stream xmlns="jabber:server" xmlns:stream="http://etherx.jabber.org/streams"' +
      ' xmlns:db="jabber:server:dialback" from="capulet.example" to="montague.example" version="1.0" xml:lang="en">'
    expect(readBy(bed.server)).toBe(
      `${header}<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>${header}` +
        `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">${Buffer.from(CAPULET).toString('base64')}</auth>` +
        `${header}<message from="romeo@capulet.example" to="juliet@montague.example" id="m1"><body>text of m1</body></message>`,
    )
    expect(bed.server.peers[0]?.tls).toMatchObject({ servername: 'montague.example', alpn: false })
  })

  test('a dialback key over the id of the last header (XEP-0185, XEP-0220 example 1)', async () => {
    await using bed = await withPeer({ starttls: 'absent', id: 'D60000229F' }, { rules: IN_CLEAR })
    bed.send('m1')
    await arrived(bed.server, '</message>')
    const { DialbackKeys } = await import('../../../src/xmpp/s2s/dialback-key.ts')
    const key = new DialbackKeys(['a secret of ours']).of({
      receiving: MONTAGUE,
      originating: CAPULET,
      streamId: 'D60000229F',
    })
    expect(readBy(bed.server)).toContain(
      `<db:result from="capulet.example" to="montague.example">${key}</db:result><message `,
    )
  })

  test('to a peer of the old kind, without waiting for features', async () => {
    await using bed = await withPeer({ version: false }, { rules: IN_CLEAR })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(true)
    expect(bed.pool.views()).toMatchObject([{ auth: 'dialback', tls: undefined, state: 'live' }])
  })

  test('international names as they are written in addresses', async () => {
    const other = domain('bücher.example')
    await using server = await rawServer(politePeer({ starttls: 'absent' }))
    await using bed = poolBed({ servers: { [other]: server.port }, rules: IN_CLEAR })
    bed.send('m1', { sender: CAPULET, target: other })
    expect(await bed.told('m1')).toBe(true)
    expect(readBy(server)).toContain('to="bücher.example"')
  })

  test('all that is sent in one turn leaves in its order', async () => {
    await using bed = await withPeer({ shows: MATCHING })
    const ids = Array.from({ length: 50 }, (_, at) => `m${at}`)
    for (const id of ids) expect(bed.send(id)).toBe(true)
    await bed.told('m49')
    for (const id of ids.map((id) => `later-${id}`)) bed.send(id)
    await arrived(bed.server, 'text of later-m49')
    const found = [...readBy(bed.server).matchAll(/ id="([^"]+)"><body/g)].map(([, id]) => id)
    expect(found).toEqual([...ids, ...ids.map((id) => `later-${id}`)])
  })
})

describe('where its server is', () => {
  const gone = async (): Promise<number> => {
    const server = await rawServer(() => {})
    await server[Symbol.asyncDispose]()
    return server.port
  }
  const srv = (...ports: readonly number[]) => ({
    '_xmpp-server._tcp.montague.example': {
      SRV: ports.map((port, at) => ({ target: 'server.example', port, priority: at })),
    },
  })

  test('one place after the other, by their priority', async () => {
    await using server = await rawServer(politePeer({ shows: MATCHING }))
    await using bed = poolBed({ names: srv(await gone(), server.port) })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(true)
  })

  test('a place that speaks something else is passed over', async () => {
    await using silent = await rawServer(async (peer) => {
      await peer.until(HEADER)
      peer.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    })
    await using server = await rawServer(politePeer({ shows: MATCHING }))
    await using bed = poolBed({ names: srv(silent.port, server.port) })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(true)
  })

  test('a place that answers as XMPP and refuses is not gone round', async () => {
    await using refusing = await rawServer(politePeer({ starttls: 'absent', verdict: 'error' }))
    await using server = await rawServer(politePeer({ shows: MATCHING }))
    await using bed = poolBed({ names: srv(refusing.port, server.port), rules: IN_CLEAR })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(false)
    expect(server.peers).toHaveLength(0)
  })

  test('no way back to the domain itself where SRV failed (RFC 6120 §3.2.1)', async () => {
    const port = await gone()
    await using bed = poolBed({ names: { ...srv(port), 'montague.example': { A: ['127.0.0.1'] } } })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(false)
    expect(bed.bounces).toEqual([
      {
        id: 'm1',
        bounce: {
          condition: 'remote-server-timeout',
          text: `montague.example cannot be reached: ECONNREFUSED 127.0.0.1:${port}`,
        },
      },
    ])
    expect(bed.asked).not.toContain('A montague.example')
  })

  test.for([
    [
      'a target of "." (RFC 2782)',
      { '_xmpp-server._tcp.montague.example': { SRV: [{ target: '.', port: 0 }] } },
      'remote-server-not-found',
      'montague.example says that it has no XMPP for servers',
    ],
    ['no such domain', {}, 'remote-server-not-found', 'no address of montague.example, and no SRV'],
    [
      'DNS that fails',
      { '_xmpp-server._tcp.montague.example': { failed: ['SRV'] } },
      'remote-server-timeout',
      'SRV of _xmpp-server._tcp.montague.example: servfail',
    ],
  ] as const)('%s', async ([, names, condition, text]) => {
    await using bed = poolBed({ names })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(false)
    expect(bed.bounces).toEqual([{ id: 'm1', bounce: { condition, text } }])
  })

  test('a domain that anybody may have named is not looked for at private addresses', async () => {
    await using bed = await withPeer({ shows: MATCHING }, { rules: { publicOnly: true } })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(false)
    expect(bed.bounces).toEqual([
      {
        id: 'm1',
        bounce: {
          condition: 'remote-server-not-found',
          text: 'no address of server.example can be connected to',
        },
      },
    ])
    expect(bed.server.peers).toEqual([])
  })

  test('over IPv6', async () => {
    await using server = await rawServer(politePeer({ shows: MATCHING }), '::1')
    await using bed = poolBed({
      names: {
        '_xmpp-server._tcp.montague.example': { SRV: [{ target: 'six.example', port: server.port }] },
        'six.example': { AAAA: ['::1'] },
      },
    })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(true)
    expect(bed.pool.views()).toMatchObject([{ address: `[::1]:${server.port}` }])
  })

  test('with TLS from the first octet, by ALPN, and without STARTTLS (XEP-0368)', async () => {
    await using server = await rawServer(politePeer({ direct: true, shows: MATCHING }))
    await using bed = poolBed({
      names: {
        '_xmpps-server._tcp.montague.example': { SRV: [{ target: 'server.example', port: server.port }] },
      },
    })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(true)
    expect(readBy(server)).not.toContain('starttls')
    expect(server.peers[0]?.tls).toMatchObject({ servername: 'montague.example', alpn: 'xmpp-server' })
  })

  test('a place for TLS at once that has none is passed over', async () => {
    await using plain = await rawServer((peer) => peer.write(headerOf({})))
    await using server = await rawServer(politePeer({ shows: MATCHING }))
    await using bed = poolBed({
      names: {
        '_xmpps-server._tcp.montague.example': {
          SRV: [{ target: 'server.example', port: plain.port, priority: 1 }],
        },
        '_xmpp-server._tcp.montague.example': {
          SRV: [{ target: 'server.example', port: server.port, priority: 2 }],
        },
      },
    })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(true)
  })

  test('at a fixed host, whatever DNS says; who must be there is the domain all the same', async () => {
    await using server = await rawServer(
      politePeer({ shows: issue('server.example'), dialback: false, db: false }),
    )
    await using bed = poolBed({
      rules: { accepted: ['sasl-tls'], fixed: { host: '127.0.0.1', port: server.port } },
    })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(false)
    expect(bed.asked).toEqual([])
    expect(bed.bounces[0]?.bounce.text).toBe(
      'no stream to montague.example: the certificate does not prove the domain (certificate: it is for server.example)',
    )
  })
})

describe('hostile and broken peers', () => {
  test('what is sent in clear behind <proceed/> is not read under TLS (CVE-2011-0411)', async () => {
    await using bed = await withPeer(async (peer) => {
      await peer.until(HEADER)
      peer.write(headerOf({}) + STARTTLS)
      await peer.until(/<starttls/)
      peer.write(`${PROCEED}${headerOf({})}<stream:features/>`)
      await peer.closed
    })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(false)
    expect(bed.ofKind('suspicious')).toMatchObject([{ what: 'octets-before-tls' }])
    expect(bed.server.peers).toHaveLength(1)
  })

  test('STARTTLS that was stripped is asked for all the same where TLS is required (RFC 7590 §3.1)', async () => {
    await using bed = await withPeer({ starttls: 'absent', shows: MATCHING }, { rules: SECURE })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(true)
    expect(bed.pool.views()).toMatchObject([{ auth: 'certificate', tls: { protocol: 'TLSv1.3' } }])
  })

  test('dialback that was announced in clear alone is not there under TLS', async () => {
    await using bed = await withPeer(
      async (peer) => {
        await peer.until(HEADER)
        peer.write(headerOf({}) + featuresOf({}, false, false))
        await peer.until(/<starttls/)
        peer.write(PROCEED)
        await peer.secure(MATCHING)
        await peer.until(HEADER)
        peer.write(headerOf({ db: false }) + featuresOf({ external: false, dialback: false }, true, false))
        await peer.closed
      },
      { rules: SECURE },
    )
    bed.send('m1')
    expect(await bed.told('m1')).toBe(false)
    expect(bed.bounces[0]?.bounce.text).toBe(
      'no stream to montague.example: dialback is required, and not offered',
    )
  })

  test('TLS 1.2 will do', async () => {
    await using bed = await withPeer(async (peer) => {
      await peer.until(HEADER)
      peer.write(headerOf({}) + STARTTLS)
      await peer.until(/<starttls/)
      peer.write(PROCEED)
      await peer.secure(MATCHING, { version: 'TLSv1.2' })
      await peer.until(HEADER)
      peer.write(headerOf({}) + featuresOf({}, true, false))
      await peer.until(/<auth/)
      peer.write("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
      await peer.until(HEADER)
      peer.write(`${headerOf({})}<stream:features/>`)
      await peer.until(/<\/stream:stream>/)
      peer.end('</stream:stream>')
    })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(true)
    expect(bed.pool.views()[0]?.tls?.protocol).toBe('TLSv1.2')
  })

  test.for<readonly [what: string, script: Script, where: string]>([
    ['accepts and says nothing', () => {}, 'negotiating'],
    ['speaks as slowly as it can', async (peer) => drip(peer), 'negotiating'],
    [
      'begins TLS and never ends that',
      async (peer) => {
        await peer.until(HEADER)
        peer.write(headerOf({}) + STARTTLS)
        await peer.until(/<starttls/)
        peer.write(PROCEED)
      },
      'securing',
    ],
    [
      'never says what it thinks of our key',
      politePeer({ starttls: 'absent', verdict: 'silent' }),
      'proving',
    ],
  ])('a server that %s is left when the time is over', async ([, script, state]) => {
    await using bed = await withPeer(script)
    bed.send('m1')
    await until(() => bed.pool.views()[0]?.state === state)
    bed.time.pass(29_999)
    expect(bed.taken.size).toBe(0)
    bed.time.pass(1)
    expect(await bed.told('m1')).toBe(false)
    const [{ bounce } = { bounce: undefined }] = bed.bounces
    const fault = state === 'negotiating' ? 'says nothing' : 'does not let us in'
    expect(bounce).toEqual({
      condition: 'remote-server-timeout',
      text: `no stream to montague.example within 30 s: 127.0.0.1:${bed.server.port} ${fault}`,
    })
    await until(() => bed.open() === 0)
  })

  test.for<readonly [what: string, text: string, tells: string]>([
    ['an XML bomb', '<!DOCTYPE a [<!ENTITY b "b">]><a/>', 'cannot be reached: what came is no XMPP: '],
    ['no XML', 'HTTP/1.1 400 Bad Request', 'cannot be reached: what came is no XMPP: '],
    [
      'a header for clients',
      headerOf({}).replace('jabber:server', 'jabber:client'),
      'does not speak to servers there',
    ],
  ])('%s', async ([, text, tells]) => {
    await using bed = await withPeer(async (peer) => {
      await peer.until(HEADER)
      peer.write(text)
      await peer.closed
    })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(false)
    expect(bed.bounces[0]?.bounce.condition).toBe('remote-server-timeout')
    expect(bed.bounces[0]?.bounce.text).toMatch(new RegExp(`^montague.example ${tells}[ -~]*$`))
  })

  test('a stanza that comes where none may is not taken, and ends the stream', async () => {
    await using bed = await withPeer({
      shows: MATCHING,
      greets: "<message from='juliet@montague.example' to='romeo@capulet.example'/>",
    })
    bed.send('m1')
    await arrived(bed.server, '<not-authorized xmlns="urn:ietf:params:xml:ns:xmpp-streams"/>')
    expect(bed.stanzas).toEqual([])
    expect(bed.ofKind('suspicious')).toMatchObject([{ what: 'early-stanza' }])
  })

  test.for([
    ['a key that was never sent', "<db:result from='montague.example' to='capulet.example' type='valid'/>"],
    ['a key of another domain', "<db:result from='verona.example' to='capulet.example' type='valid'/>"],
  ])('an answer to %s proves nothing, and is counted (XEP-0220 §3.1)', async ([, behind]) => {
    await using bed = await withPeer({
      shows: MATCHING,
      behind: behind as string,
      verdict: 'silent',
      external: false,
    })
    bed.send('m1')
    await until(() => bed.ofKind('suspicious').length > 0)
    expect(bed.ofKind('suspicious')[0]).toMatchObject({ what: 'unsolicited-dialback' })
    expect(readBy(bed.server)).not.toContain('text of m1')
  })

  test.for([
    ['host-unknown', 'remote-server-not-found'],
    ['host-gone', 'remote-server-not-found'],
    ['policy-violation', 'remote-server-timeout'],
    ['a-word-nobody-knows', 'remote-server-timeout'],
  ] as const)('a stream error: %s', async ([word, condition]) => {
    await using bed = await withPeer(async (peer) => {
      await peer.until(HEADER)
      peer.end(
        `${headerOf({})}<stream:error><${word} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>` +
          "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>go\naway</text></stream:error></stream:stream>",
      )
    })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(false)
    expect(bed.bounces[0]?.bounce).toEqual({
      condition,
      text: `montague.example refuses the stream: ${word} (127.0.0.1:${bed.server.port})`,
    })
  })

  test.for([
    ['invalid', 'internal-server-error', 'montague.example says that our dialback key is invalid'],
    ['error', 'remote-server-timeout', 'montague.example could not verify our dialback key: item-not-found'],
  ] as const)('a key that is called %s (XEP-0220 §2.1.1)', async ([verdict, condition, text]) => {
    await using bed = await withPeer({ starttls: 'absent', verdict }, { rules: IN_CLEAR })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(false)
    expect(bed.bounces).toEqual([{ id: 'm1', bounce: { condition, text } }])
  })

  test('a header without id has nothing that a key could be made over', async () => {
    await using bed = await withPeer(
      async (peer) => {
        await peer.until(HEADER)
        peer.write(headerOf({ version: false }).replace(" id='id-1'", ''))
        await peer.closed
      },
      { rules: IN_CLEAR },
    )
    bed.send('m1')
    expect(await bed.told('m1')).toBe(false)
    expect(bed.bounces[0]?.bounce.text).toBe('montague.example gave the stream no id')
  })
})

/** A character of its header, again and again. */
async function drip(peer: Parameters<Script>[0]): Promise<void> {
  await peer.until(HEADER)
  for (const letter of headerOf({}).slice(0, -1)) {
    peer.write(letter)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('the way back (XEP-0288)', () => {
  const BACK =
    "<message from='juliet@montague.example' to='romeo@capulet.example' id='b1'><body>back</body></message>"
  const bidi: Traits = { shows: MATCHING, bidi: true }

  test('is asked for before EXTERNAL, and brings stanzas of that pair with the certificate as their proof', async () => {
    await using bed = await withPeer({ ...bidi, greets: BACK })
    bed.send('m1')
    await until(() => bed.stanzas.length > 0)
    expect(readBy(bed.server)).toMatch(/<bidi xmlns="urn:xmpp:bidi"\/><auth /)
    const [{ stanza, pair, proof } = { stanza: undefined, pair: undefined, proof: undefined }] = bed.stanzas
    expect(stanza?.getChildText('body')).toBe('back')
    expect(pair).toEqual({ sender: MONTAGUE, target: CAPULET })
    expect(proof).toEqual({ certificate: 'match', dialback: 'not-tried', tls: true })
    expect(bed.pool.views()).toMatchObject([{ bidi: true, stanzasIn: 1 }])
  })

  test('is asked for before dialback where the certificate matches', async () => {
    await using bed = await withPeer({ ...bidi, external: false, greets: BACK })
    bed.send('m1')
    await until(() => bed.stanzas.length > 0)
    expect(readBy(bed.server)).toMatch(/<bidi xmlns="urn:xmpp:bidi"\/><db:result /)
  })

  test('is not asked for where the certificate is of another domain, whatever dialback says', async () => {
    await using bed = await withPeer({ ...bidi, shows: issue('verona.example') })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(true)
    expect(readBy(bed.server)).not.toContain('urn:xmpp:bidi')
  })

  test.for([
    [
      'of another domain',
      "<message from='iago@verona.example' to='romeo@capulet.example'/>",
      'invalid-from',
      1,
    ],
    [
      'to another domain of ours',
      "<message from='j@montague.example' to='rooms.capulet.example'/>",
      'host-unknown',
      0,
    ],
    ['without a from', "<message to='romeo@capulet.example'/>", 'improper-addressing', 0],
  ] as const)('a stanza %s ends the stream', async ([, greets, condition, suspicious]) => {
    await using bed = await withPeer({ ...bidi, greets })
    bed.send('m1')
    await arrived(bed.server, `<${condition} xmlns="urn:ietf:params:xml:ns:xmpp-streams"/>`)
    expect(bed.stanzas).toEqual([])
    expect(bed.ofKind('suspicious')).toHaveLength(suspicious)
  })

  test('a key for another pair is taken where the certificate names its sender too, and refused where not', async () => {
    const key = (from: string, to: string) => `<db:result from='${from}' to='${to}'>k3y</db:result>`
    await using bed = await withPeer({
      ...bidi,
      shows: issue('montague.example', 'rooms.montague.example'),
      greets:
        key('verona.example', 'capulet.example') +
        key('rooms.montague.example', 'elsewhere.example') +
        key('rooms.montague.example', 'capulet.example') +
        "<message from='r@rooms.montague.example' to='romeo@capulet.example'/>",
    })
    bed.send('m1')
    await until(() => bed.stanzas.length > 0)
    expect(bed.stanzas[0]?.pair.sender).toBe('rooms.montague.example')
    await arrived(bed.server, 'type="valid"')
    const read = readBy(bed.server)
    expect(read).toMatch(
      /<db:result from="capulet.example" to="verona.example" type="error"><error type="auth"><not-authorized /,
    )
    expect(read).toMatch(
      /<db:result from="elsewhere.example" to="rooms.montague.example" type="error"><error type="cancel"><item-not-found /,
    )
    expect(read).toContain('<db:result from="capulet.example" to="rooms.montague.example" type="valid"/>')
  })

  test('a question about a key of ours is answered', async () => {
    await using bed = await withPeer({
      ...bidi,
      greets: "<db:verify from='montague.example' to='capulet.example' id='x'>wrong</db:verify>",
    })
    bed.send('m1')
    await arrived(
      bed.server,
      '<db:verify from="capulet.example" to="montague.example" id="x" type="invalid"/>',
    )
  })

  test('a stanza that is too deep is answered, and the stream goes on', async () => {
    const deep = `${'<a>'.repeat(100)}${'</a>'.repeat(100)}`
    await using bed = await withPeer({
      ...bidi,
      greets: `<message from='juliet@montague.example' to='romeo@capulet.example' id='deep'>${deep}</message>${BACK}`,
    })
    bed.send('m1')
    await until(() => bed.stanzas.length === 1)
    await arrived(bed.server, 'id="deep"')
    expect(readBy(bed.server)).toContain('<policy-violation ')
  })
})

describe('acknowledgements (XEP-0198)', () => {
  const sm: Traits = { shows: MATCHING, sm: 'enabled' }

  test('a stanza is taken when the peer says so, and it is asked once a turn', async () => {
    await using bed = await withPeer(sm)
    bed.send('m1')
    bed.send('m2')
    expect(await bed.told('m2')).toBe(true)
    expect(readBy(bed.server)).toMatch(
      /<enable xmlns="urn:xmpp:sm:3"\/><message .*<\/message><message .*<\/message><r xmlns="urn:xmpp:sm:3"\/>$/,
    )
    expect(bed.pool.views()).toMatchObject([{ managed: true }])
  })

  test('what was not acknowledged when the connection broke may be lost, and is not sent again', async () => {
    await using bed = await withPeer({ ...sm, acknowledges: 0 })
    bed.send('m1')
    await arrived(bed.server, 'text of m1')
    expect(bed.taken.size).toBe(0)
    bed.server.peers[0]?.destroy()
    expect(await bed.told('m1')).toBe(false)
    expect(bed.bounces).toEqual([])
    bed.send('m2')
    await arrived(bed.server, 'text of m2', 1)
    expect(readBy(bed.server, 1)).not.toContain('text of m1')
    bed.server.peers[1]?.destroy()
    expect(await bed.told('m2')).toBe(false)
  })

  test('a peer that acknowledges more than it was sent is left', async () => {
    await using bed = await withPeer({
      ...sm,
      acknowledges: 0,
    })
    bed.send('m1')
    await arrived(bed.server, 'text of m1')
    bed.server.peers[0]?.write("<a xmlns='urn:xmpp:sm:3' h='7'/>")
    expect(await bed.told('m1')).toBe(false)
    await arrived(bed.server, '<undefined-condition xmlns="urn:ietf:params:xml:ns:xmpp-streams"/>')
  })

  test('a peer that offers it and then does not want it gets stanzas all the same', async () => {
    await using bed = await withPeer({ ...sm, sm: 'failed' })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(true)
    expect(bed.pool.views()).toMatchObject([{ managed: false }])
  })

  test('stanzas that come back are counted from its word on, also at the end', async () => {
    const back = "<message from='juliet@montague.example' to='romeo@capulet.example'/>"
    await using bed = await withPeer({ ...sm, bidi: true })
    bed.send('m1')
    expect(await bed.told('m1')).toBe(true)
    bed.server.peers[0]?.write(`${back}${back}<r xmlns='urn:xmpp:sm:3'/>`)
    await arrived(bed.server, '<a xmlns="urn:xmpp:sm:3" h="2"/>')
    await bed.pool.close()
    expect(readBy(bed.server)).toMatch(/<a xmlns="urn:xmpp:sm:3" h="2"\/><\/stream:stream>$/)
  })

  test('without an answer in time the stream is dead', async () => {
    await using bed = await withPeer({ ...sm, acknowledges: 0 })
    bed.send('m1')
    await arrived(bed.server, '<r ')
    bed.time.pass(60_000)
    expect(await bed.told('m1')).toBe(false)
    expect(bed.ofKind('closed')).toMatchObject([
      { wasLive: true, reason: 'no acknowledgement in time: the stream is dead' },
    ])
  })
})
