import type { ComponentLink as LinkRow } from '../federation/model.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import { type Addressing, gatewayJid } from '../interworking/address.ts'
import { ComponentLink } from '../xmpp/component/link.ts'
import type { ComponentLinkOptions, LinkEvent } from '../xmpp/component/options.ts'
import type { Gateway } from '../xmpp/services/queries.ts'
import type { Element } from '../xmpp/xml/element.ts'
import { AddressBook } from './address-book.ts'
import type { Attached } from './attached.ts'
import type { Log } from './log.ts'
import type { PeerLog } from './peer-log.ts'

/** Everything of a link's options that does not come from its row. */
export type LinkSurroundings = Pick<
  ComponentLinkOptions,
  'limits' | 'reconnect' | 'keepAlive' | 'clock' | 'timers' | 'random'
>

export interface LinksOptions {
  readonly surroundings: LinkSurroundings
  readonly software: Gateway['software']
  /** Addresses remembered per link. */
  readonly addresses: number
  readonly log: Log
  /** Where what people send is warned of. */
  readonly peers: PeerLog
  onStanza(via: Attached, stanza: Element): void
  /** A stream stands, or stands no more. */
  onChange(link: string, live: boolean): void
}

interface Running {
  readonly row: LinkRow
  readonly attached: Attached
  readonly link: ComponentLink
  readonly secret: string
}

/** The component links that run: those of the snapshot, kept over a reload where their row is the same. */
export class Links {
  readonly #options: LinksOptions
  readonly #running = new Map<string, Running>()
  /** Those that are being ended, until they are. */
  readonly #ending = new Map<string, Promise<void>>()

  constructor(options: LinksOptions) {
    this.#options = options
  }

  attached(name: string): Attached | undefined {
    return this.#running.get(name)?.attached
  }

  all(): readonly ComponentLink[] {
    return [...this.#running.values()].map((each) => each.link)
  }

  /** Starts what is new, ends what is gone, replaces what has changed; the rest does not notice. */
  apply(snapshot: Snapshot, secrets: ReadonlyMap<string, string>): void {
    for (const [name, { link, row: before, secret }] of this.#running) {
      const row = snapshot.links.get(name)
      const same =
        row?.kind === 'component' &&
        JSON.stringify(row) === JSON.stringify(before) &&
        secrets.get(name) === secret
      if (same && !row.suspended) continue
      this.#running.delete(name)
      this.#options.log.info({ link: name }, 'link ends')
      this.#end(name, link)
      // A link that is ended by us says nothing itself, and the one that takes its place may never stand.
      this.#options.onChange(name, false)
    }
    for (const row of snapshot.links.values()) {
      if (row.kind !== 'component' || row.suspended || this.#running.has(row.name)) continue
      const secret = secrets.get(row.name)
      if (secret !== undefined) this.#start(row, secret)
    }
  }

  async close(): Promise<void> {
    for (const [name, { link }] of this.#running) this.#end(name, link)
    this.#running.clear()
    await Promise.all(this.#ending.values())
  }

  pause(): void {
    for (const link of this.all()) link.pause()
  }

  resume(): void {
    for (const link of this.all()) link.resume()
  }

  #end(name: string, link: ComponentLink): void {
    const before = this.#ending.get(name)
    const ended = Promise.all([before, link.close()]).then(() => {
      if (this.#ending.get(name) === ended) this.#ending.delete(name)
    })
    this.#ending.set(name, ended)
  }

  #start(row: LinkRow, secret: string): void {
    const { log, peers, surroundings, software, addresses } = this.#options
    const addressing = addressingOf(row)
    const tell = reporterOf(log, peers, row)
    const link = new ComponentLink({
      ...surroundings,
      name: row.name,
      host: row.host,
      port: row.port,
      domain: row.domain,
      secret,
      onStanza: (stanza) => this.#options.onStanza(attached, stanza),
      onEvent: (event) => {
        if (event.kind === 'live') this.#options.onChange(row.name, true)
        else if (event.kind === 'lost') this.#options.onChange(row.name, false)
        tell(event)
      },
      onFault: (error) => log.error({ link: row.name, err: error }, 'fault while a stanza was handled'),
    })
    const attached: Attached = {
      name: row.name,
      domain: row.domain,
      evidence: { kind: 'component', link: row.name },
      link: {
        get live() {
          return link.state === 'live'
        },
        send(stanza, taken) {
          const sent = link.send(stanza)
          if (sent && taken !== undefined) link.confirm(taken)
          return sent
        },
      },
      book: new AddressBook(addressing, addresses),
      gateway: {
        software,
        type: 'sip',
        ...(addressing.kind === 'escaped' ? { prompt: promptOf(addressing) } : {}),
      },
    }
    this.#running.set(row.name, { row, attached, link, secret })
    // An XMPP server takes a component once: the one that is replaced has to leave first. A closed link does not start.
    const before = this.#ending.get(row.name)
    if (before === undefined) link.start()
    else void before.then(() => link.start())
  }
}

const addressingOf = (row: LinkRow): Addressing =>
  row.addressing.kind === 'escaped' ? { kind: 'escaped', gateway: row.domain } : row.addressing

const promptOf = (addressing: Addressing): NonNullable<Gateway['prompt']> => ({
  description: 'Give the SIP address of the person you want to reach, such as romeo@sip.example.',
  label: 'SIP address',
  jidOf: (typed) => {
    const jid = gatewayJid(typed, addressing)
    return jid.ok ? jid.value : undefined
  },
})

/** What to do, for the refusals that a person can mend. */
const CURES: Readonly<Record<string, string>> = {
  'not-authorized': 'the secret is not the one that the XMPP server has for this component',
  'host-unknown': 'the XMPP server has no component of this name',
  conflict: 'another component with this name is connected',
}

/** One line a try: what follows from a refusal, the end of the connection and the wait, is said at debug. */
function reporterOf(log: Log, peers: PeerLog, row: LinkRow): (event: LinkEvent) => void {
  let told = false
  return (event) => {
    if (event.kind === 'bad-stanza') {
      const { from, to, condition, text } = event
      peers.warn({ link: row.name, from, to, condition, text }, 'a stanza was refused')
      return
    }
    if (event.kind !== 'lost' || !told) report(log, row, event)
    else log.debug({ link: row.name, reason: event.reason }, 'no link')
    told = event.kind === 'handshake-refused' || event.kind === 'stream-error' || event.kind === 'unreadable'
  }
}

function report(log: Log, row: LinkRow, event: Exclude<LinkEvent, { kind: 'bad-stanza' }>): void {
  const about = { link: row.name, server: `${row.host}:${row.port}`, domain: row.domain }
  switch (event.kind) {
    case 'live':
      log.info(about, 'link is live')
      return
    case 'handshake-refused':
      log.error(
        { ...about, condition: event.condition, text: event.text, cure: CURES[event.condition] },
        'the XMPP server refuses the link',
      )
      return
    case 'stream-error':
      log.warn({ ...about, condition: event.condition, text: event.text }, 'the XMPP server ended the stream')
      return
    case 'unreadable':
      log.error({ ...about, ...event.error }, 'what the XMPP server sent cannot be read')
      return
    case 'lost':
      log.warn({ ...about, reason: event.reason }, event.wasLive ? 'link is lost' : 'no link')
      return
    case 'retry':
      log.debug({ ...about, inMs: Math.round(event.delay), attempt: event.attempt }, 'link is tried again')
      return
    default:
      event satisfies never
  }
}
