import { type SipPeer, sipPeer } from '../load/sip-peer.ts'
import { MARK, sequenceIn } from '../load/template.ts'
import { followed, indexAfter, RESOURCES, six, watched, watcher } from './people.ts'

/** Where the devices of its users are: the gateway never sends there. */
const DEVICE = '192.0.2.100:49152;transport=tcp;ob'
const CALL_ID = '3848276298220188511@192.0.2.100'
/** Milliseconds until a request is sent again (RFC 3261 timer E, without doubling: the gateway is expected to be there). */
const AGAIN = 500

export interface HomeServerEvents {
  /** A watcher has a document. */
  told(watcher: number): void
  /** The gateway answered a refresh. */
  refreshed(watcher: number): void
}

/** The home server over UDP: its users watch, and are watched. */
export class HomeServer {
  /** NOTIFYs that came, without repetitions. */
  notifies = 0
  /** SUBSCRIBEs within a dialog that came, without repetitions. */
  refreshes = 0
  /** Watchers and contacts that have lost their subscription. */
  ended = 0
  /** Final responses that were no success, by status. */
  readonly refused: Record<string, number> = {}
  /** The numbers in the last document of each watcher, one for each resource. */
  readonly documents: Float64Array
  readonly #notified: Uint32Array
  /** Of the gateway, by the number of the watcher. */
  readonly #tags: string[]
  readonly #numbers: Uint32Array
  readonly #notifyNumbers: Uint32Array
  /** By the gateway, of those that are watched. */
  readonly #asked: Uint32Array
  readonly #pending = new Map<string, { readonly bytes: Buffer; at: number }>()
  readonly #peer: SipPeer
  readonly #gatewayPort: number
  readonly #events: HomeServerEvents

  static async start(pairs: number, gatewayPort: number, events: HomeServerEvents): Promise<HomeServer> {
    let server: HomeServer | undefined
    const peer = await sipPeer('udp', gatewayPort, (text) => server?.take(text))
    server = new HomeServer(pairs, gatewayPort, peer, events)
    return server
  }

  private constructor(pairs: number, gatewayPort: number, peer: SipPeer, events: HomeServerEvents) {
    this.documents = new Float64Array(pairs * RESOURCES.length).fill(-1)
    this.#notified = new Uint32Array(pairs)
    this.#tags = new Array<string>(pairs).fill('')
    this.#numbers = new Uint32Array(pairs)
    this.#notifyNumbers = new Uint32Array(pairs)
    this.#asked = new Uint32Array(pairs)
    this.#peer = peer
    this.#gatewayPort = gatewayPort
    this.#events = events
  }

  get port(): number {
    return this.#peer.port
  }

  close(): void {
    this.#peer.close()
  }

  /** Begins the subscription of a watcher, or refreshes it. */
  subscribe(i: number): void {
    const number = next(this.#numbers, i)
    const tag = this.#tags[i] as string
    const within = tag !== ''
    this.#send(`s${six(i)}-${number}`, [
      `SUBSCRIBE sip:${watched(i)}${within ? `;gr=${tag}` : ''} SIP/2.0`,
      ...(within ? [`Route: <sip:127.0.0.1:${this.#gatewayPort};transport=udp;lr>`] : []),
      `Record-Route: <sip:127.0.0.1:${this.port};lr>`,
      `From: "Romeo" <sip:${watcher(i)}>;tag=9fxced76sl${six(i)}`,
      `To: <sip:${watched(i)}>${within ? `;tag=${tag}` : ''}`,
      `Call-ID: w${six(i)}-${CALL_ID}`,
      `CSeq: ${number} SUBSCRIBE`,
      `Contact: <sip:romeo${six(i)}@${DEVICE}>`,
      'Event: presence',
      'Accept: application/pidf+xml',
      'Expires: 3600',
    ])
  }

  /** Sends again what has no answer. */
  repeat(now: number): void {
    for (const each of this.#pending.values()) {
      if (now - each.at < AGAIN) continue
      each.at = now
      this.#peer.send(each.bytes)
    }
  }

  /** Nothing more is sent again: the gateway is gone. */
  forget(): void {
    this.#pending.clear()
  }

  take(text: string): void {
    if (text.startsWith('SIP/2.0 ')) this.#response(text)
    else if (text.startsWith('NOTIFY ')) this.#notify(text)
    else if (text.startsWith('SUBSCRIBE ')) this.#subscribed(text)
    else this.#reply(text, '')
  }

  #response(text: string): void {
    const status = text.slice(8, 11)
    if (status < '200') return
    this.#pending.delete(/branch=z9hG4bK([^;\r\n]+)/.exec(text)?.[1] ?? '')
    if (status >= '300') this.refused[status] = (this.refused[status] ?? 0) + 1
    const i = indexAfter('\r\nCall-ID: w', text)
    if (i < 0 || status >= '300') return
    if (this.#tags[i] !== '') this.#events.refreshed(i)
    this.#tags[i] = tagOf(line(text, 'To'))
  }

  #notify(text: string): void {
    this.#reply(text, '')
    const i = indexAfter('\r\nCall-ID: w', text)
    const number = Number.parseInt(line(text, 'CSeq'), 10)
    if (i < 0 || number <= (this.#notified[i] as number)) return
    this.#notified[i] = number
    this.notifies++
    if (line(text, 'Subscription-State').startsWith('terminated')) this.ended++
    let at = text.indexOf('\r\n\r\n')
    let found = 0
    for (const _resource of RESOURCES) {
      at = text.indexOf(MARK, at + MARK.length)
      if (at < 0) break
      this.documents[i * RESOURCES.length + found++] = sequenceIn(text, at)
    }
    if (found === RESOURCES.length) this.#events.told(i)
  }

  /** The gateway watches one of ours: it may, and is told. */
  #subscribed(text: string): void {
    const to = line(text, 'To')
    const i = indexAfter('mercutio', to)
    const within = to.includes(';tag=')
    const asked = Number.parseInt(line(text, 'CSeq'), 10)
    const isNew = asked > (this.#asked[i] as number)
    if (within && isNew) this.refreshes++
    this.#asked[i] = asked
    const own = within ? to : `${to};tag=8321234356${six(i)}`
    const contact = `Contact: <sip:mercutio${six(i)}@${DEVICE}>`
    this.#reply(text, `${contact}\r\nExpires: 3600\r\n`, own)
    if (!isNew) return
    const from = line(text, 'From')
    const number = next(this.#notifyNumbers, i)
    this.#send(
      `n${six(i)}-${number}`,
      [
        `NOTIFY ${/<([^>]+)>/.exec(line(text, 'Contact'))?.[1]} SIP/2.0`,
        ...(within ? [`Route: <sip:127.0.0.1:${this.#gatewayPort};transport=udp;lr>`] : []),
        `Record-Route: <sip:127.0.0.1:${this.port};lr>`,
        `From: ${own}`,
        `To: ${from}`,
        `Call-ID: ${line(text, 'Call-ID')}`,
        `CSeq: ${number} NOTIFY`,
        contact,
        'Event: presence',
        'Subscription-State: active;expires=3600',
        'Content-Type: application/pidf+xml',
      ],
      `<?xml version="1.0" encoding="UTF-8"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:${followed(i)}">` +
        `<tuple id="t${six(i)}"><status><basic>open</basic></status><note>Here until the lark sings</note></tuple></presence>`,
    )
  }

  #send(branch: string, [start, ...fields]: readonly string[], body = ''): void {
    const bytes = Buffer.from(
      `${start}\r\nVia: SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK${branch};rport\r\nMax-Forwards: 69\r\n` +
        `${fields.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      'latin1',
    )
    this.#pending.set(branch, { bytes, at: performance.now() })
    this.#peer.send(bytes)
  }

  /** 200. @param to with our tag */
  #reply(request: string, fields: string, to = line(request, 'To')): void {
    const vias = request.match(/\r\nVia: [^\r]*/g)?.join('') ?? ''
    this.#peer.send(
      Buffer.from(
        `SIP/2.0 200 OK${vias}\r\nFrom: ${line(request, 'From')}\r\nTo: ${to}\r\nCall-ID: ${line(request, 'Call-ID')}\r\n` +
          `CSeq: ${line(request, 'CSeq')}\r\n${fields}Content-Length: 0\r\n\r\n`,
        'latin1',
      ),
    )
  }
}

function next(numbers: Uint32Array, i: number): number {
  const number = (numbers[i] as number) + 1
  numbers[i] = number
  return number
}

function line(text: string, name: string): string {
  const at = text.indexOf(`\r\n${name}: `)
  return at < 0 ? '' : text.slice(at + name.length + 4, text.indexOf('\r\n', at + 2))
}

const tagOf = (address: string): string => /;tag=([^;]+)/.exec(address)?.[1] ?? ''
