import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { type Answer, decode, encode, type NaptrData, type Packet, type SrvData } from 'dns-packet'
import { freePort } from './ports.ts'

/** What is known of a name: all its records live `ttl` seconds (60). */
export interface ZoneEntry {
  readonly A?: readonly string[]
  readonly AAAA?: readonly string[]
  /** Priority and weight are 0 unless given. */
  readonly SRV?: readonly SrvData[]
  /** Order and preference are 10, flags `s` and the regular expression empty unless given. */
  readonly NAPTR?: readonly (Partial<NaptrData> & Pick<NaptrData, 'services' | 'replacement'>)[]
  /** Followed where the zone knows its target. */
  readonly CNAME?: string
  readonly ttl?: number
  /** How questions for this name are treated, whatever the server's own manner is. */
  readonly manner?: Manner
}

export type Zone = Readonly<Record<string, ZoneEntry>>

/**
 * `silent`: no answer. `truncate`: over UDP nothing but the bit that says so. `wrong-id`, `wrong-question`: an answer
 * that belongs to another query, and no other. `garbage`: header and question, then octets without sense.
 * `referral`: whom else to ask. `no-edns`: FORMERR where the query has an OPT record.
 */
export type Manner =
  | 'answer'
  | 'silent'
  | 'servfail'
  | 'refused'
  | 'truncate'
  | 'wrong-id'
  | 'wrong-question'
  | 'garbage'
  | 'referral'
  | 'no-edns'
  | ((query: DnsQuery, honest: Packet) => Packet | Uint8Array | undefined)

export interface DnsQuery {
  readonly name: string
  readonly type: string
  readonly id: number
  readonly transport: 'udp' | 'tcp'
  readonly edns: boolean
  /** Port it came from. */
  readonly from: number
}

export interface DnsServer extends AsyncDisposable {
  readonly address: string
  readonly port: number
  /** What was asked, in its order. */
  readonly queries: readonly DnsQuery[]
  /** How many questions came for that name, and of that type if one is given. */
  count(name: string, type?: string): number
  /** Once so many questions have come altogether. */
  asked(count: number): Promise<void>
  /** Another entry for a name, or none. */
  set(name: string, entry: ZoneEntry | undefined): void
  /** How all questions are treated from now on: `answer` at first. */
  manner: Manner
}

const TRUNCATED = 1 << 9
const AUTHORITATIVE_AND_RECURSIVE = (1 << 10) | (1 << 7)
/** Copied into the answer (RFC 1035 §4.1.1): Erlang's resolver takes no other. */
const RECURSION_DESIRED = 1 << 8
const RCODES = { servfail: 2, refused: 5, nxdomain: 3, formerr: 1 } as const
const NEGATIVE_TTL = 30

/**
 * A DNS server on 127.0.0.1, UDP and TCP on the same port, that knows this zone and nothing else. What it does not
 * know has an SOA with a negative time to live of 30 seconds.
 */
export async function startDnsServer(zone: Zone, options: { port?: number } = {}): Promise<DnsServer> {
  const port = options.port ?? (await freePort())
  const entries = new Map(Object.entries(zone).map(([name, entry]) => [name.toLowerCase(), entry]))
  const queries: DnsQuery[] = []
  const waiting = new Set<{ count: number; resolve: () => void }>()
  const sockets = new Set<Socket>()
  const udp = createSocket('udp4')
  const tcp = createServer()

  const answerTo = (bytes: Buffer, transport: 'udp' | 'tcp', from: number): Uint8Array | undefined => {
    const packet = decode(bytes)
    const question = packet.questions?.[0]
    if (question === undefined) return undefined
    const edns = packet.additionals?.find((record) => record.type === 'OPT')
    const query = {
      name: question.name.toLowerCase(),
      type: question.type,
      id: packet.id ?? 0,
      transport,
      edns: edns !== undefined,
      from,
    }
    queries.push(query)
    const manner = entries.get(query.name)?.manner ?? server.manner
    const reply = inManner(manner, query, honestAnswer(entries, query, packet))
    for (const waiter of waiting) if (queries.length >= waiter.count) waiter.resolve()
    if (reply === undefined || reply instanceof Uint8Array) return reply
    const written = encode(reply)
    const room = transport === 'tcp' ? 65_535 : ((edns as { udpPayloadSize?: number })?.udpPayloadSize ?? 512)
    return written.length <= room ? written : encode(truncated(reply))
  }

  udp.on('message', (bytes, { address, port: source }) => {
    const reply = answerTo(bytes, 'udp', source)
    if (reply !== undefined) udp.send(reply, source, address)
  })
  tcp.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    let held = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk])
      while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
        const end = 2 + held.readUInt16BE(0)
        const reply = answerTo(held.subarray(2, end), 'tcp', socket.remotePort ?? 0)
        held = held.subarray(end)
        if (reply !== undefined)
          socket.write(Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 255]), reply]))
      }
    })
  })

  const server: DnsServer = {
    address: '127.0.0.1',
    port,
    queries,
    manner: 'answer',
    count: (name, type) =>
      queries.filter((query) => query.name === name && (type === undefined || query.type === type)).length,
    asked: (count) =>
      queries.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => {
            const waiter = {
              count,
              resolve: () => {
                waiting.delete(waiter)
                resolve()
              },
            }
            waiting.add(waiter)
          }),
    set: (name, entry) => {
      if (entry === undefined) entries.delete(name.toLowerCase())
      else entries.set(name.toLowerCase(), entry)
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await Promise.all([
        new Promise<void>((resolve) => udp.close(resolve)),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ])
    },
  }
  udp.bind(port, server.address)
  tcp.listen(port, server.address)
  await Promise.all([once(udp, 'listening'), once(tcp, 'listening')])
  return server
}

function honestAnswer(entries: ReadonlyMap<string, ZoneEntry>, query: DnsQuery, asked: Packet): Packet {
  const answers: Answer[] = []
  let name = query.name
  for (let alias = entries.get(name)?.CNAME; alias !== undefined; alias = entries.get(name)?.CNAME) {
    answers.push({ type: 'CNAME', name, ttl: entries.get(name)?.ttl ?? 60, data: alias })
    name = alias.toLowerCase()
    if (answers.length > 20) break
  }
  const entry = entries.get(name)
  const records = entry === undefined ? [] : recordsOf(name, entry, query.type)
  const known = entry !== undefined || [...entries.keys()].some((other) => other.endsWith(`.${name}`))
  const reply: Packet = {
    type: 'response',
    id: query.id,
    flags: AUTHORITATIVE_AND_RECURSIVE | ((asked.flags ?? 0) & RECURSION_DESIRED),
    questions: asked.questions ?? [],
    answers: [...answers, ...records],
  }
  // An alias out of the zone is for the client to follow.
  if (records.length > 0 || (answers.length > 0 && !known)) return reply
  return { ...withRcode(reply, known ? 0 : RCODES.nxdomain), authorities: [soa()] }
}

function recordsOf(name: string, entry: ZoneEntry, type: string): Answer[] {
  const ttl = entry.ttl ?? 60
  switch (type) {
    case 'A':
    case 'AAAA':
      return (entry[type] ?? []).map((data) => ({ type, name, ttl, data }))
    case 'SRV':
      return (entry.SRV ?? []).map((data) => ({ type, name, ttl, data }))
    case 'NAPTR':
      return (entry.NAPTR ?? []).map((data) => ({
        type,
        name,
        ttl,
        data: { order: 10, preference: 10, flags: 's', regexp: '', ...data },
      }))
    default:
      return []
  }
}

const soa = (): Answer => ({
  type: 'SOA',
  name: '.',
  ttl: 3600,
  data: { mname: 'ns.example', rname: 'admin.example', minimum: NEGATIVE_TTL },
})

const withRcode = (packet: Packet, rcode: number): Packet => ({
  ...packet,
  flags: (packet.flags ?? 0) | rcode,
})
const empty = (packet: Packet): Packet => ({ ...packet, answers: [], authorities: [] })
const truncated = (packet: Packet): Packet => ({
  ...empty(packet),
  flags: (packet.flags ?? 0) | TRUNCATED,
})

function inManner(manner: Manner, query: DnsQuery, honest: Packet): Packet | Uint8Array | undefined {
  if (typeof manner === 'function') return manner(query, honest)
  switch (manner) {
    case 'answer':
      return honest
    case 'silent':
      return undefined
    case 'servfail':
    case 'refused':
      return { ...empty(honest), flags: AUTHORITATIVE_AND_RECURSIVE | RCODES[manner] }
    case 'truncate':
      return query.transport === 'tcp' ? honest : truncated(honest)
    case 'wrong-id':
      return { ...honest, id: (query.id + 1) & 0xffff }
    case 'wrong-question':
      return { ...honest, questions: [{ name: 'other.example', type: 'A' }] }
    case 'garbage': {
      const head = encode({ ...empty(honest) })
      head.writeUInt16BE(1, 6)
      return Buffer.concat([head, Buffer.from('c0ffee', 'hex')])
    }
    case 'referral':
      return {
        ...empty(honest),
        flags: 0,
        authorities: [{ type: 'NS', name: 'example', ttl: 60, data: 'ns.example' }],
      }
    case 'no-edns':
      return query.edns ? { ...empty(honest), flags: AUTHORITATIVE_AND_RECURSIVE | RCODES.formerr } : honest
  }
}
