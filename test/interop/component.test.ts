import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { systemRandom } from '../../src/kernel/random.ts'
import { TimerWheel } from '../../src/kernel/timer-wheel.ts'
import { ComponentLink } from '../../src/xmpp/component/link.ts'
import type { ComponentLinkOptions, LinkEvent } from '../../src/xmpp/component/options.ts'
import { answerQuery } from '../../src/xmpp/services/queries.ts'
import { type Element, xml } from '../../src/xmpp/xml/element.ts'
import { DEFAULT_XML_LIMITS } from '../../src/xmpp/xml/limits.ts'
import { startEjabberd } from '../support/ejabberd.ts'
import { startProsody } from '../support/prosody.ts'

const DOMAIN = 'sip.example'
const SECRET = 'gärten & "more"'

/** A server with one component, `sip.example`, and one host, `xmpp.example`. */
interface Server extends AsyncDisposable {
  readonly componentPort: number
  start(): Promise<void>
  kill(): Promise<void>
}
const SERVERS: readonly (readonly [string, () => Promise<Server>])[] = [
  ['Prosody', () => startProsody({ host: 'xmpp.example', components: [{ domain: DOMAIN, secret: SECRET }] })],
  ['ejabberd', () => startEjabberd({ host: 'xmpp.example', component: { domain: DOMAIN, secret: SECRET } })],
]

function linkTo(port: number, options: Partial<ComponentLinkOptions> = {}) {
  const events: LinkEvent[] = []
  const stanzas: Element[] = []
  const link = new ComponentLink({
    name: 'test',
    host: '127.0.0.1',
    port,
    domain: DOMAIN,
    secret: SECRET,
    limits: DEFAULT_XML_LIMITS,
    reconnect: { first: 100, ceiling: 1_000 },
    keepAlive: { whitespace: 60_000, ping: 120_000, answerWithin: 20_000 },
    clock: systemClock,
    timers: new TimerWheel({ clock: systemClock }),
    random: systemRandom,
    onStanza: (stanza) => stanzas.push(stanza),
    onEvent: (event) => events.push(event),
    ...options,
  })
  onTestFinished(() => link.close())
  link.start()
  const until = (state: string) =>
    vi.waitFor(() => expect(link.state).toBe(state), { timeout: 15_000, interval: 10 })
  const confirmed = () => new Promise<boolean>((resolve) => link.confirm(resolve))
  return { link, events, stanzas, until, confirmed }
}

describe.each(SERVERS)('%s', (_name, startServer) => {
  test('handshake, barrier, ping; killed under us and back', async () => {
    await using server = await startServer()
    const { link, stanzas, until, confirmed } = linkTo(server.componentPort, {
      onStanza: (stanza) => {
        stanzas.push(stanza)
        const answer = answerQuery(stanza, { software: { name: 'test', version: '1' }, type: 'sip' })
        if (stanza.name === 'iq' && answer !== undefined) link.send(answer)
      },
    })
    await until('live')

    // The server's answers to what was sent before must be here when the barrier is.
    for (let i = 0; i < 500; i++)
      link.send(
        xml(
          'iq',
          { type: 'get', id: `q${i}`, from: `romeo@${DOMAIN}`, to: DOMAIN },
          xml('ping', { xmlns: 'urn:xmpp:ping' }),
        ),
      )
    expect(await confirmed()).toBe(true)
    expect(stanzas.filter((stanza) => stanza.attrs.type === 'get')).toHaveLength(500)
    expect(await confirmed()).toBe(true)
    await vi.waitFor(
      () => expect(stanzas.filter((stanza) => stanza.attrs.type === 'result')).toHaveLength(500),
      { timeout: 15_000 },
    )

    const cut = confirmed()
    await server.kill()
    await until('waiting')
    expect(await cut).toBeTypeOf('boolean')
    expect(await confirmed()).toBe(false)

    await server.start()
    await until('live')
    expect(await confirmed()).toBe(true)
  })

  test('a wrong secret is reported as such', async () => {
    await using server = await startServer()
    const { link, events } = linkTo(server.componentPort, { secret: 'wrong' })
    await vi.waitFor(() => expect(events).toContainEqual(expect.objectContaining({ kind: 'retry' })), {
      timeout: 15_000,
    })
    expect(events[0]).toMatchObject({ kind: 'handshake-refused', condition: 'not-authorized' })
    expect(link.state).not.toBe('live')
  })
})
