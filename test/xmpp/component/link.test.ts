import { readFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { systemRandom } from '../../../src/kernel/random.ts'
import { backOff } from '../../../src/xmpp/component/back-off.ts'
import { handshakeValue } from '../../../src/xmpp/component/handshake.ts'
import { ComponentLink } from '../../../src/xmpp/component/link.ts'
import type { ComponentLinkOptions, LinkEvent } from '../../../src/xmpp/component/options.ts'
import { childOf } from '../../../src/xmpp/stanza.ts'
import { type Element, xml } from '../../../src/xmpp/xml/element.ts'
import { DEFAULT_XML_LIMITS } from '../../../src/xmpp/xml/limits.ts'
import { fakeTime } from '../../kernel/fake-time.ts'
import { HEADER, scriptedServer, welcome } from './scripted-server.ts'

const table = JSON.parse(
  readFileSync(new URL('../../vectors/tables/component-handshake.json', import.meta.url), 'utf8'),
) as { rows: readonly { stream_id: string; secret: string; handshake: string }[] }

/** vi.waitFor gives up after a second, which a machine may stand still. */
const eventually = (assertion: () => void) => vi.waitFor(assertion, { interval: 2, timeout: 20_000 })

function linkTo(port: number, options: Partial<ComponentLinkOptions> = {}) {
  const time = fakeTime()
  const events: LinkEvent[] = []
  const stanzas: Element[] = []
  const faults: unknown[] = []
  const link = new ComponentLink({
    name: 'test',
    host: '127.0.0.1',
    port,
    domain: 'sip.example',
    secret: 'test',
    limits: DEFAULT_XML_LIMITS,
    reconnect: { first: 1_000, ceiling: 60_000 },
    keepAlive: { whitespace: 60_000, ping: 120_000, answerWithin: 20_000 },
    clock: time.clock,
    timers: time.timers,
    random: systemRandom,
    onStanza: (stanza) => stanzas.push(stanza),
    onEvent: (event) => events.push(event),
    onFault: (error) => faults.push(error),
    ...options,
  })
  onTestFinished(() => {
    const closed = link.close()
    time.pass(2_001)
    return closed
  })
  link.start()
  const until = (state: string) => eventually(() => expect(link.state).toBe(state))
  return { link, time, events, stanzas, faults, until }
}

const message = (body: string, from = 'romeo@sip.example') =>
  xml('message', { from, to: 'juliet@xmpp.example' }, xml('body', {}, body))

describe('handshake', () => {
  test.for(table.rows)('of id $stream_id', ({ stream_id, secret, handshake }) => {
    expect(handshakeValue(stream_id, secret)).toBe(handshake)
  })

  test('a server that agrees gives a live link', async () => {
    await using server = await scriptedServer(welcome)
    const { until, events } = linkTo(server.port)
    await until('live')
    expect(server.read).toContain('to="sip.example"')
    expect(server.read).toContain('<handshake>aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e</handshake>')
    expect(events).toEqual([{ kind: 'live' }])
  })

  test('the answer may come byte by byte', async () => {
    await using server = await scriptedServer(async (text, socket) => {
      const answer = text.includes('<stream:stream') ? HEADER : '<handshake/>'
      for (const byte of answer) {
        socket.write(byte)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    const { until } = linkTo(server.port)
    await until('live')
  })

  test.for(['not-authorized', 'host-unknown', 'conflict'])('%s is reported', async (condition) => {
    await using server = await scriptedServer((text, socket) => {
      if (text.includes('<stream:stream'))
        socket.end(
          `${HEADER}<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>no</text></stream:error></stream:stream>`,
        )
    })
    const { until, events } = linkTo(server.port)
    await until('waiting')
    expect(events[0]).toEqual({ kind: 'handshake-refused', condition, text: 'no' })
    expect(events[1]).toEqual({ kind: 'lost', reason: condition, wasLive: false })
  })

  test('a server that accepts and stays silent is left after 20 s', async () => {
    await using server = await scriptedServer(() => {})
    const { until, time, events } = linkTo(server.port)
    await until('handshaking')
    time.pass(20_001)
    await until('waiting')
    expect(events[0]).toMatchObject({ kind: 'lost', reason: 'no handshake in time' })
  })
})

describe('coming back', () => {
  test('the wait doubles up to the ceiling, half of it by chance', () => {
    const times = { first: 1_000, ceiling: 60_000 }
    const wait = (attempt: number, fraction: number) =>
      backOff(attempt, times, { ...systemRandom, fraction: () => fraction })
    expect([0, 1, 2, 5, 6, 1_000].map((attempt) => wait(attempt, 0))).toEqual([
      500, 1_000, 2_000, 16_000, 30_000, 30_000,
    ])
    expect(wait(1_000, 0.999)).toBeLessThanOrEqual(60_000)
  })

  test('a wrong secret is no storm: few tries in ten minutes, and it never gives up', async () => {
    await using server = await scriptedServer((text, socket) => {
      if (text.includes('<stream:stream')) socket.write(HEADER)
      if (text.includes('<handshake>'))
        socket.end(
          "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
        )
    })
    const { link, until, time } = linkTo(server.port)
    let elapsed = 0
    while (elapsed < 600_000) {
      await until('waiting')
      while (link.state === 'waiting') {
        time.pass(50)
        elapsed += 50
      }
    }
    await until('waiting')
    expect(server.connections).toBeGreaterThan(9)
    expect(server.connections).toBeLessThan(30)
  })

  test('nobody listening is reported and tried again', async () => {
    const server = await scriptedServer(welcome)
    const { port } = server
    await server[Symbol.asyncDispose]()
    const { until, events } = linkTo(port)
    await until('waiting')
    expect(events[0]).toMatchObject({ kind: 'lost', reason: `ECONNREFUSED 127.0.0.1:${port}` })
    expect(events[1]).toMatchObject({ kind: 'retry', attempt: 1 })
  })
})

describe('sending', () => {
  test('is refused without a live link, and for a stanza that would cost the stream', async () => {
    await using server = await scriptedServer(welcome)
    const { link, until, faults } = linkTo(server.port)
    expect(link.send(message('early'))).toBe(false)
    await until('live')
    expect(link.send(message('from another', 'romeo@evil.example'))).toBe(false)
    expect(link.send(message('hidden', 'romeo@evil.example/@sip.example'))).toBe(false)
    expect(link.send(xml('message', { from: 'sip.example' }))).toBe(false)
    expect(faults).toHaveLength(1)
    expect(link.stats().refusedSends).toBe(3)
    expect(link.send(message('good'))).toBe(true)
    await eventually(() => expect(server.read).toContain('good'))
    expect(server.read).not.toContain('evil')
  })

  test('a sender in another spelling of the domain leaves in the one that servers compare', async () => {
    await using server = await scriptedServer(welcome)
    const { link, until } = linkTo(server.port)
    await until('live')
    const stanza = message('good', 'Nobody@SIP.Example/a@SIP.Example')
    expect(link.send(stanza)).toBe(true)
    await eventually(() => expect(server.read).toContain('from="Nobody@sip.example/a@SIP.Example"'))
    expect(server.read).toContain('<body>good</body>')
    expect(stanza.attrs.from).toBe('Nobody@SIP.Example/a@SIP.Example')
  })

  test('is refused when too much waits to be written', async () => {
    await using server = await scriptedServer(welcome)
    const { link, until } = linkTo(server.port, { outgoingBytes: 10_000 })
    await until('live')
    let taken = 0
    while (link.send(message('x'.repeat(1_000))) && taken < 100) taken++
    expect(taken).toBeGreaterThan(5)
    expect(taken).toBeLessThan(15)
    expect(link.stats().refusedSends).toBe(1)
  })

  test('nothing is taken once the link closes, and close may be called twice', async () => {
    await using server = await scriptedServer(welcome)
    const { link, until } = linkTo(server.port)
    await until('live')
    link.send(message('last words'))
    const closed = [link.close(), link.close()]
    expect(link.send(message('too late'))).toBe(false)
    await Promise.all(closed)
    expect(link.state).toBe('closed')
    expect(server.read).toMatch(/last words.*<\/stream:stream>$/)
  })
})

describe('the barrier', () => {
  const PING = /<iq type="get" id="([^"]+)" from="sip.example" to="sip.example">/
  const echo = (text: string, socket: Parameters<typeof welcome>[1]): void => {
    welcome(text, socket)
    const id = PING.exec(text)?.[1]
    if (id !== undefined)
      socket.write(
        `<iq type='get' id='${id}' from='sip.example' to='sip.example'><ping xmlns='urn:xmpp:ping'/></iq>`,
      )
  }

  test('a ping that comes back confirms all that asked before, once, and is not delivered', async () => {
    await using server = await scriptedServer(echo)
    const { link, until, stanzas, faults } = linkTo(server.port)
    await until('live')
    const answers: boolean[] = []
    link.confirm(() => {
      throw new Error('one that fails')
    })
    for (let i = 0; i < 1_000; i++) {
      link.send(message(`n${i}`))
      link.confirm((taken) => answers.push(taken))
    }
    await eventually(() => expect(answers).toHaveLength(1_000))
    expect(new Set(answers)).toEqual(new Set([true]))
    expect(faults).toHaveLength(1)
    expect(stanzas).toEqual([])
    expect(server.read.match(/urn:xmpp:ping/g)).toHaveLength(1)
    expect(server.read.indexOf('urn:xmpp:ping')).toBeGreaterThan(server.read.indexOf('n999<'))
  })

  test('somebody else with the same id confirms nothing', async () => {
    await using server = await scriptedServer((text, socket) => {
      welcome(text, socket)
      const id = PING.exec(text)?.[1]
      if (id !== undefined) socket.write(`<iq type='result' id='${id}' from='evil@x' to='sip.example'/>`)
    })
    const { link, until, stanzas } = linkTo(server.port)
    await until('live')
    const done = vi.fn()
    link.confirm(done)
    await eventually(() => expect(stanzas).toHaveLength(1))
    expect(done).not.toHaveBeenCalled()
  })

  test('a server that dies confirms nothing', async () => {
    await using server = await scriptedServer(welcome)
    const { link, until } = linkTo(server.port)
    await until('live')
    const done = vi.fn()
    link.send(message('lost'))
    link.confirm(done)
    await eventually(() => expect(server.read).toContain('urn:xmpp:ping'))
    link.confirm(done)
    server.socket?.resetAndDestroy()
    await until('waiting')
    expect(done.mock.calls).toEqual([[false], [false]])
  })

  test('a half-open link is found out and left', async () => {
    await using server = await scriptedServer(welcome)
    const { until, time, events } = linkTo(server.port)
    await until('live')
    time.pass(120_001)
    await eventually(() => expect(server.read).toContain('urn:xmpp:ping'))
    expect(server.read).toContain('</handshake> ')
    time.pass(20_001)
    await until('waiting')
    expect(events).toContainEqual({
      kind: 'lost',
      reason: 'no answer to a ping: the link is dead',
      wasLive: true,
    })
  })
})

describe('what the server sends', () => {
  test('stanzas arrive; those without addresses and strange elements are counted; a fault ends nothing', async () => {
    await using server = await scriptedServer(welcome)
    const bodies: (string | null)[] = []
    const { link, until, faults } = linkTo(server.port, {
      onStanza: (stanza) => {
        bodies.push(stanza.getChildText('body'))
        if (bodies.length === 1) throw new Error('handler')
      },
    })
    await until('live')
    server.socket?.write(
      "<message from='a@b' to='sip.example'><body>1</body></message><message to='x'/><route from='a' to='b'/><message from='a@b' to='sip.example'><body>2</body></message>",
    )
    await eventually(() => expect(bodies).toEqual(['1', '2']))
    expect(link.stats()).toMatchObject({ received: 2, ignored: 2 })
    expect(faults).toHaveLength(1)
  })

  test.for(['jabber:client', 'jabber:server'])(
    'stanzas in %s are taken as of the stream',
    async (namespace) => {
      await using server = await scriptedServer(welcome)
      const { link, until, stanzas } = linkTo(server.port)
      await until('live')
      server.socket?.write(
        `<message xmlns='${namespace}' from='a@b' to='sip.example'><body>1</body></message>`,
      )
      await eventually(() => expect(stanzas).toHaveLength(1))
      expect(childOf(stanzas[0] as Element, 'body')?.text()).toBe('1')
      expect(link.stats().ignored).toBe(0)
    },
  )

  test('a bad stanza is answered where it may be, counted, and ends nothing', async () => {
    await using server = await scriptedServer(welcome)
    const { link, until, events, stanzas } = linkTo(server.port, {
      limits: { ...DEFAULT_XML_LIMITS, depth: 3 },
    })
    await until('live')
    const bad = (name: string, attrs: string) =>
      `<${name} from='a@b' to='r@SIP.Example' ${attrs}><x><x><x/></x></x></${name}>`
    server.socket?.write(
      [
        bad('message', "id='1'"),
        bad('message', "id='2' type='error'"),
        bad('iq', "id='3' type='get'"),
        bad('iq', "id='4' type='set'"),
        bad('iq', "id='5' type='result'"),
        bad('iq', "id='6' type='error'"),
        bad('presence', "id='7'"),
        bad('presence', "id='8' type='error'"),
        bad('message', "id='9' xmlns='u'"),
        bad('route', "id='10'"),
        "<message id='11' from='a@b' to='r@sip.example'><y:x/></message>",
        "<message id='12' to='r@sip.example'><y:x/></message>",
        "<message from='a@b' to='sip.example'><body>good</body></message>",
      ].join(''),
    )
    await eventually(() => expect(stanzas).toHaveLength(1))
    await eventually(() => expect(server.read).toContain('id="11"'))
    const answers = [...server.read.matchAll(/<(\w+) type="error" from="([^"]*)" to="a@b" id="(\d+)">/g)]
    expect(answers.map(([, name, from, id]) => `${name} ${from} ${id}`)).toEqual([
      'message r@sip.example 1',
      'iq r@sip.example 3',
      'iq r@sip.example 4',
      'presence r@sip.example 7',
      'message r@sip.example 11',
    ])
    expect(server.read.match(/<policy-violation/g)).toHaveLength(4)
    expect(server.read.match(/<bad-request/g)).toHaveLength(1)
    expect(link.stats()).toMatchObject({ badStanzas: 12, received: 1, connects: 1 })
    expect(events.filter(({ kind }) => kind === 'bad-stanza')).toHaveLength(12)
    expect(events[1]).toEqual({
      kind: 'bad-stanza',
      name: 'message',
      from: 'a@b',
      to: 'r@SIP.Example',
      condition: 'policy-violation',
      text: 'elements lie more than 3 deep',
    })
    expect(link.state).toBe('live')
  })

  test('what cannot be read is answered with a stream error', async () => {
    await using server = await scriptedServer(welcome)
    const { until, events } = linkTo(server.port)
    await until('live')
    server.socket?.write('<message><!-- -->')
    await until('waiting')
    expect(events).toContainEqual({
      kind: 'unreadable',
      error: { condition: 'restricted-xml', text: 'comments are not allowed' },
    })
    await eventually(() =>
      expect(server.read).toMatch(/<restricted-xml [^>]*\/><\/stream:error><\/stream:stream>$/),
    )
  })
})
