import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import type { Element } from '@xmpp/xml'
import type { TlsIdentity } from './identity.ts'
import { Inbox } from './inbox.ts'
import { freePort } from './ports.ts'
import { askForKey, initiate } from './s2s-initiating.ts'
import { isStanza, serve } from './s2s-receiving.ts'
import type { Host, Initiating, KeyQuestion, Outcome, Receiving, Verdict } from './s2s-roles.ts'
import { S2sStream, type TlsWish } from './s2s-stream.ts'

export interface S2sPeerOptions {
  readonly domain: string
  /** What it shows in TLS, and the authority that it believes; without, it has no TLS. */
  readonly identity?: TlsIdentity
  /** How it serves the streams that come in. Without, they wait in `streams` for the test to play the server. */
  readonly receiving?: Receiving
  /** Where other domains take streams, on 127.0.0.1: it asks no DNS. */
  readonly places?: Readonly<Record<string, number>>
  /** Of its dialback keys. */
  readonly secret?: string
  readonly port?: number
  /** Where it listens: 127.0.0.1 unless told. */
  readonly address?: '127.0.0.1' | '::1'
}

export interface S2sPeer extends AsyncDisposable {
  readonly domain: string
  /** Where it takes streams; and those of direct TLS (XEP-0368), where it has an identity. */
  readonly port: number
  readonly directPort: number
  /** Every stream that came in. */
  readonly streams: Inbox<S2sStream>
  /** What came of them, where it serves them; of one stream perhaps several. */
  readonly outcomes: Inbox<Outcome>
  /** Stanzas, on whatever stream of its own or of others. */
  readonly stanzas: Inbox<Element>
  /** For streams that come in from now on. */
  receiving: Receiving | undefined
  /** From now on it believes that a domain takes streams there. */
  place(domain: string, port: number): void
  /** A connection to that port of 127.0.0.1, on which nothing was said; from another address of 127.0.0.0/8, if told. */
  connect(port: number, from?: string): Promise<S2sStream>
  /** The same, over which TLS was done (XEP-0368). */
  connectDirect(port: number, wish: TlsWish): Promise<S2sStream>
  /** Opens a stream to a domain of `places`, up to the proof or the refusal. */
  federate(to: string, manner?: Initiating): Promise<Outcome>
}

/**
 * A server of XMPP federation in the tests' own process, with a stream, a parser and a dialback of its own: what it and the
 * gateway agree on is agreed between two. It does right and wrong as the test says.
 */
export async function startS2sPeer(options: S2sPeerOptions): Promise<S2sPeer> {
  const { domain, identity, secret = `the secret of ${options.domain}`, address = '127.0.0.1' } = options
  const places = new Map(Object.entries(options.places ?? {}))
  const streams = new Inbox<S2sStream>(`${domain}, streams`, (stream) => `${stream.name}\n${stream.report()}`)
  const outcomes = new Inbox<Outcome>(`${domain}, outcomes`, shown)
  const stanzas = new Inbox<Element>(`${domain}, stanzas`, String)
  const all = new Set<S2sStream>()

  const track = (
    name: string,
    direction: 'in' | 'out',
    socket: ConstructorParameters<typeof S2sStream>[2],
  ) => {
    const stream = new S2sStream(name, direction, socket, (element) => {
      if (isStanza(element)) stanzas.push(element)
    })
    all.add(stream)
    stream.closed.then(() => all.delete(stream))
    return stream
  }
  const dial = async (port: number, localAddress = '127.0.0.1'): Promise<S2sStream> => {
    const socket = connect({ host: '127.0.0.1', port, localAddress })
    await once(socket, 'connect')
    return track(`${domain} → ${port}`, 'out', socket)
  }
  const placeOf = (other: string): number => {
    const port = places.get(other)
    if (port === undefined) throw new Error(`${domain} knows no place of ${other}`)
    return port
  }
  const host: Host = {
    domain,
    ...(identity && { identity }),
    secret,
    async verify(question: KeyQuestion): Promise<Verdict> {
      await using stream = await dial(placeOf(question.originating))
      return await askForKey(stream, host, question)
    },
  }

  const listen = async (port: number, take: (stream: S2sStream) => Promise<void>): Promise<Server> => {
    const server = createServer((socket) => {
      const stream = track(`${domain} ← ${socket.remotePort}`, 'in', socket)
      take(stream).then(
        () => {
          streams.push(stream)
          const { receiving } = peer
          if (receiving) serve(stream, host, receiving, (outcome) => outcomes.push(outcome))
        },
        () => stream.destroy(),
      )
    })
    server.listen(port, address)
    await once(server, 'listening')
    return server
  }

  const [port, directPort] = [options.port ?? (await freePort()), await freePort()]
  const peer: S2sPeer = {
    domain,
    port,
    directPort,
    streams,
    outcomes,
    stanzas,
    receiving: options.receiving,
    place: (other, where) => void places.set(other, where),
    connect: dial,
    async connectDirect(where, wish) {
      const stream = await dial(where)
      await stream.tlsAsClient({ alpn: ['xmpp-server'], ...wish })
      return stream
    },
    federate: async (to, manner) => await initiate(await dial(placeOf(to)), host, to, manner),
    async [Symbol.asyncDispose]() {
      for (const server of servers) server.close()
      for (const stream of all) stream.destroy()
      await Promise.all([...all].map((stream) => stream.closed))
    },
  }
  const servers = [await listen(port, async () => {})]
  if (identity)
    servers.push(
      await listen(directPort, async (stream) => {
        await stream.tlsAsServer({ identity, alpn: ['xmpp-server'] })
      }),
    )
  return peer
}

const shown = (outcome: Outcome): string => {
  const { stream, ...rest } = outcome
  return `${JSON.stringify(rest)}\n${stream.report()}`
}
