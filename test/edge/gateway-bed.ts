import { createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import type { Config } from '../../src/config/config.ts'
import { readConfig } from '../../src/config/read.ts'
import { Gateway, type GatewayOptions } from '../../src/gateway.ts'
import { systemRandom } from '../../src/kernel/random.ts'
import { createLog } from '../../src/logging.ts'
import type { Lookups } from '../../src/net/dns/answer.ts'
import type { Element } from '../../src/xmpp/xml/element.ts'
import { StreamReader } from '../../src/xmpp/xml/reader.ts'
import { type UdpPeer, udpPeer, until } from '../sip/endpoint/bed.ts'
import { patientClock } from '../support/patient-clock.ts'

const HEADER =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='3BF96D32'>"
const CLOSE = '</stream:stream>'
const LIMITS = { stanzaBytes: 1_000_000, depth: 64, attributes: 64 }

/** An XMPP server as a component sees it: lets everybody in, answers pings unless told, keeps the rest. */
export class XmppServer {
  readonly stanzas: Element[] = []
  /** What happened on the connections, in order: `open 1`, `closing tag 1`, `gone 1`. */
  readonly story: string[] = []
  /** False: pings are kept back, so that nothing is confirmed. */
  answersPings = true
  onStanza: (stanza: Element) => void = () => {}
  port = 0
  #socket: Socket | undefined
  #count = 0
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((socket) => this.#accept(socket))

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const bound = this.#server.address()
    this.port = typeof bound === 'object' ? (bound?.port ?? 0) : 0
    return this
  }

  send(text: string): void {
    this.#socket?.write(text)
  }

  messages(): readonly Element[] {
    return this.stanzas.filter(({ name }) => name === 'message')
  }

  /** Cuts the connection. */
  cut(): void {
    this.#socket?.destroy()
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #accept(socket: Socket): void {
    const number = ++this.#count
    this.#socket = socket
    this.#sockets.add(socket)
    this.story.push(`open ${number}`)
    const reader = new StreamReader(
      {
        header: () => socket.write(HEADER),
        element: (element) => this.#element(element, socket),
        end: () => {
          this.story.push(`closing tag ${number}`)
          socket.end(CLOSE)
        },
        error: () => socket.destroy(),
      },
      LIMITS,
    )
    socket.on('data', (chunk) => reader.write(chunk))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.story.push(`gone ${number}`)
    })
  }

  #element(element: Element, socket: Socket): void {
    if (element.name === 'handshake') {
      socket.write('<handshake/>')
      return
    }
    const { id, from, to, type } = element.attrs
    if (element.name === 'iq' && type === 'get') {
      if (this.answersPings) socket.write(`<iq type='result' id='${id}' from='${to}' to='${from}'/>`)
      return
    }
    this.stanzas.push(element)
    this.onStanza(element)
  }
}

export interface GatewaySetup {
  readonly interworking?: object
  readonly shutdown?: object
  readonly xmpp?: object
  readonly congestionSafePath?: boolean
  /** The port of a home server that is spoken to over TCP instead. */
  readonly homeTcp?: number
  readonly links?: readonly object[]
  readonly secret?: string
  /** `all` unless told. */
  readonly verification?: string
  /** What the link to the provider vouches for; `unverified` unless told. */
  readonly vouches?: string
  readonly contacts?: readonly object[]
  /** Of the provider. */
  readonly limits?: object
  readonly people?: GatewayOptions['people']
}

const JSON_LOG = { level: 'error', format: 'json' } as const

/** The configuration as it is read from a file. */
export function configOf(
  ports: { readonly xmpp: number; readonly home: number },
  setup: GatewaySetup,
): Config {
  const listener = { address: '127.0.0.1', port: 0, side: 'inside' }
  const text = stringify({
    log: JSON_LOG,
    sip: {
      listeners: [
        { ...listener, name: 'udp', transport: 'udp', port: 1 },
        { ...listener, name: 'tcp', transport: 'tcp', port: 1 },
      ],
    },
    xmpp: { reconnect: { first: '100ms', ceiling: '1s' }, ...setup.xmpp },
    ...(setup.interworking && { interworking: setup.interworking }),
    shutdown: { within: '200ms', ...setup.shutdown },
    federation: {
      enabled: true,
      xmpp: true,
      homes: [
        {
          name: 'main',
          nextHop:
            setup.homeTcp === undefined
              ? `sip:127.0.0.1:${ports.home};transport=udp`
              : `sip:127.0.0.1:${setup.homeTcp};transport=tcp`,
          congestionSafePath: setup.congestionSafePath ?? false,
        },
      ],
      servedDomains: [
        {
          name: 'sip.example',
          home: 'main',
          links: ['prosody', ...(setup.links ?? []).map((row) => (row as { name: string }).name)],
        },
      ],
      links: [
        {
          name: 'prosody',
          kind: 'component',
          host: '127.0.0.1',
          port: ports.xmpp,
          domain: 'sip.example',
          secret: { env: 'SECRET' },
          remote: ['xmpp.example'],
          addressing: 'straight',
          vouches: setup.vouches ?? 'unverified',
        },
        ...(setup.links ?? []),
      ],
      providers: [
        {
          name: 'Example',
          type: 'partner',
          protocol: 'xmpp',
          enabled: true,
          verification: setup.verification ?? 'all',
          domains: ['xmpp.example'],
          link: 'prosody',
          ...(setup.limits && { limits: setup.limits }),
        },
      ],
      contacts: setup.contacts ?? [],
    },
  })
  const read = readConfig(text, '/tmp/gateway.config.yaml', { SECRET: setup.secret ?? 'capulet' })
  if (!read.ok) throw new Error(JSON.stringify(read.error))
  const listeners = read.value.sip.listeners.map((each) => ({ ...each, port: 0 }))
  return { ...read.value, sip: { ...read.value.sip, listeners } }
}

export interface GatewayBed {
  readonly gateway: Gateway
  /** That with which it started. */
  readonly config: Config
  readonly xmpp: XmppServer
  /** The home server. */
  readonly home: UdpPeer
  /** Where the gateway hears SIP over UDP. */
  readonly port: number
  reload(setup: GatewaySetup): Promise<void>
}

const nothing = async (): Promise<{ kind: 'none'; ttl: number }> => ({ kind: 'none', ttl: 60 })
/** Every host of the tests is an address. */
export const NO_DNS: Lookups = { naptr: nothing, srv: nothing, a: nothing, aaaa: nothing }

/** A whole gateway in this process, between an XMPP server and a home server that the test plays. */
export async function gatewayBed(setup: GatewaySetup = {}): Promise<GatewayBed> {
  const xmpp = await new XmppServer().start()
  const home = await udpPeer()
  const ports = { xmpp: xmpp.port, home: home.port }
  const config = configOf(ports, setup)
  const gateway = new Gateway({
    config,
    log: createLog({ ...JSON_LOG, level: 'error' }, false),
    clock: patientClock,
    random: systemRandom,
    lookups: NO_DNS,
    software: { name: 'Test', version: '0' },
    people: setup.people,
  })
  onTestFinished(async () => {
    await gateway.stop()
    await xmpp.stop()
  })
  await gateway.start()
  await until(() => isLive(gateway))
  return {
    gateway,
    config,
    xmpp,
    home,
    port: gateway.listeners.find(({ transport }) => transport === 'udp')?.port ?? 0,
    reload: async (changed) => {
      const next = configOf(ports, changed)
      await gateway.reload({ ...next, sip: config.sip })
    },
  }
}

export function isLive(gateway: Gateway, name = 'prosody'): boolean {
  const { links } = gateway.stats() as { readonly links: Record<string, { readonly state: string }> }
  return links[name]?.state === 'live'
}

let serial = 0

/** A MESSAGE as the home server sends it. */
export function messageText(
  port: number,
  parts: { readonly from?: string; readonly to?: string; readonly body?: string; readonly callId?: string },
): string {
  const { from = 'romeo@sip.example', to = 'juliet@xmpp.example', body = 'hello' } = parts
  const n = ++serial
  return [
    `MESSAGE sip:${to} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bKhome${n};rport`,
    'Max-Forwards: 70',
    `From: <sip:${from}>;tag=home${n}`,
    `To: <sip:${to}>`,
    `Call-ID: ${parts.callId ?? `home-${n}`}`,
    'CSeq: 1 MESSAGE',
    'Content-Type: text/plain',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}

export const stanzaText = (body: string, id = `x${++serial}`): string =>
  `<message from='juliet@xmpp.example/balcony' to='romeo@sip.example' id='${id}'><body>${body}</body></message>`

export const statusOf = (text: string): number => Number(/^SIP\/2\.0 (\d{3})/.exec(text)?.[1])
