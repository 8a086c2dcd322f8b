import { systemClock } from '../../src/kernel/clock.ts'
import { type Domain, parseDomain } from '../../src/kernel/domain.ts'
import { systemRandom } from '../../src/kernel/random.ts'
import { TimerWheel } from '../../src/kernel/timer-wheel.ts'
import { readCertificate } from '../../src/net/tls/certificate.ts'
import { Credentials } from '../../src/net/tls/credentials.ts'
import { DialbackKeys } from '../../src/xmpp/s2s/dialback-key.ts'
import { DEFAULT_S2S_LIMITS } from '../../src/xmpp/s2s/options.ts'
import { S2sServer } from '../../src/xmpp/s2s/server.ts'
import { xml } from '../../src/xmpp/xml/element.ts'
import { DEFAULT_XML_LIMITS } from '../../src/xmpp/xml/limits.ts'
import { type Identities, OWN, PEERS, type Ports, peerDomain } from './config.ts'

const domainOf = (text: string): Domain => {
  const domain = parseDomain(text)
  if (!domain.ok) throw new Error(`${text} is no domain`)
  return domain.value
}

/** The servers of all the other domains in one: our own S2S library, from the other side. */
export class Peers {
  readonly #server: S2sServer
  readonly #own = domainOf(OWN)
  readonly #domains: readonly Domain[]

  /** @param came the number in the text of a message that has come */
  constructor(count: number, ports: Ports, { authority, peers }: Identities, came: (text: string) => void) {
    this.#domains = Array.from({ length: count }, (_, i) => domainOf(peerDomain(i)))
    const anchor = readCertificate(authority.x509)
    if (!anchor.ok) throw new Error('the authority cannot be read')
    const rules = {
      accepted: ['sasl-tls'],
      keepAlive: 0,
      connections: count * 2,
      partner: 'gateway',
      fixed: { host: '127.0.0.1', port: ports.s2s },
    } as const
    this.#server = new S2sServer(
      {
        credentials: new Credentials({
          certificates: [{ name: 'peers', ...peers }],
          trust: { anchors: [anchor.value] },
        }),
        keys: new DialbackKeys(['benchmark']),
        serves: (own) => own.endsWith(`.${PEERS}`),
        rulesFor: () => rules,
        lookups: {} as never,
        xml: DEFAULT_XML_LIMITS,
        limits: { ...DEFAULT_S2S_LIMITS, connections: count * 4, connectionsPerAddress: count * 4 },
        retry: { first: 1000, ceiling: 60_000 },
        clock: systemClock,
        timers: new TimerWheel({ clock: systemClock }),
        random: systemRandom,
        onStanza: (stanza) => came(stanza.getChildText('body') ?? ''),
        onBounce: (_, { text }) => process.stderr.write(`s2s/streams: ${text}\n`),
        onEvent: () => {},
        onFault: (error) => {
          throw error
        },
      },
      [{ name: 'peers', address: '127.0.0.1', port: ports.peers, tls: 'starttls' }],
    )
  }

  start(): Promise<void> {
    return this.#server.start()
  }

  get streams(): number {
    const { in: incoming, out } = this.#server.stats()
    return incoming.streams + out.streams
  }

  /** A message from that domain's user; `taken`: the gateway has acknowledged it. */
  send(domain: number, body: string, taken: (taken: boolean) => void): boolean {
    const sender = this.#domains[domain] as Domain
    const stanza = xml(
      'message',
      { from: `juliet@${sender}`, to: `romeo@${OWN}`, type: 'chat', id: body.slice(0, 12) },
      xml('body', {}, body),
    )
    return this.#server.send(stanza, { sender, target: this.#own }, taken)
  }
}
