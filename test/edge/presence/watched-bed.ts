import { parse } from 'ltx'
import { AddressBook } from '../../../src/edge/address-book.ts'
import { Counters } from '../../../src/edge/counters.ts'
import type { Exposure } from '../../../src/edge/presence/exposure.ts'
import { Keeping } from '../../../src/edge/presence/keeping.ts'
import { People } from '../../../src/edge/presence/people.ts'
import type { PresencePair, PresenceStore } from '../../../src/edge/presence/store.ts'
import { Watched } from '../../../src/edge/presence/watched.ts'
import type { WatchedOptions } from '../../../src/edge/presence/watched-options.ts'
import { Ways } from '../../../src/edge/presence/ways.ts'
import { DEFAULT_PRESENCE_LIMITS } from '../../../src/interworking/presence/limits.ts'
import { readPresence } from '../../../src/interworking/presence/presence-read.ts'
import type { Endpoint, IncomingRequest, Outcome, Source } from '../../../src/sip/endpoint/endpoint.ts'
import type { RespondOptions } from '../../../src/sip/endpoint/recipe.ts'
import { type HeaderField, Headers } from '../../../src/sip/headers.ts'
import type { SipRequest } from '../../../src/sip/message.ts'
import { parseUri } from '../../../src/sip/uri-parse.ts'
import { type Element, xml } from '../../../src/xmpp/xml/element.ts'
import { ManualTime } from '../../sip/events/bed.ts'
import { asComponent, countingRandom, JULIET, open, ROMEO, sipResponse } from '../support.ts'

export const PAIR: PresencePair = { direction: 'in', xmpp: JULIET, sip: `sip:${ROMEO}` }

/** `active 3600: balcony open away`: what a NOTIFY says, in a few words. */
export function shownNotify({ headers, body }: SipRequest): string {
  const [state = '', ...params] = (headers.get('Subscription-State') ?? '').split(';')
  const words = [state, ...params.map((one) => one.replace(/^(?:expires|reason)=/, ''))].join(' ')
  if (body.length === 0) return words
  const root = parse(new TextDecoder().decode(body).replace(/^<\?.*?\?>/, ''))
  const tuples = root.getChildren('tuple').map((tuple) => {
    const status = tuple.getChild('status')
    const parts = [
      tuple.attrs.id.replace(/^ID-/, ''),
      status?.getChildText('basic'),
      status?.getChildText('show'),
    ]
    return [...parts, tuple.getChildText('note')]
      .filter((one) => one !== undefined && one !== null && one !== '')
      .join(' ')
  })
  return `${words}: ${tuples.join(', ')}`
}

/** `subscribe`, `open`: the type of a presence stanza. */
const shownStanza = (stanza: Element): string => String(stanza.attrs.type ?? 'open')

let serial = 0

/** A device of Romeo. */
export class Device {
  readonly #bed: WatchedBed
  readonly #name: string
  readonly #callId = `call-${++serial}`
  #tag = ''
  #cseq = 0
  /** Responses to SUBSCRIBE: `200 3600`, `423 60`. */
  readonly answers: string[] = []
  readonly notifies: SipRequest[] = []

  constructor(bed: WatchedBed, name: string) {
    this.#bed = bed
    this.#name = name
  }

  get callId(): string {
    return this.#callId
  }

  get told(): string[] {
    return this.notifies.map(shownNotify)
  }

  /** SUBSCRIBE, within the dialog where there is one. */
  async subscribe(expires?: number, fields: readonly HeaderField[] = []): Promise<void> {
    const { watched, pair, named } = this.#bed
    const tag = this.#tag === '' ? '' : `;tag=${this.#tag}`
    const uri = parseUri(`sip:${JULIET}`)
    if (!uri.ok) throw new Error('no URI')
    const request: SipRequest = {
      kind: 'request',
      method: 'SUBSCRIBE',
      uri: uri.value,
      headers: new Headers([
        ['Max-Forwards', '70'],
        ['From', `"Romeo M." <sip:${ROMEO}>;tag=${this.#name}`],
        ['To', `<sip:${JULIET}>${tag}`],
        ['Call-ID', this.#callId],
        ['CSeq', `${++this.#cseq} SUBSCRIBE`],
        ['Contact', `<sip:romeo@192.0.2.1;gr=${this.#name}>`],
        ['Event', 'presence'],
        ...(expires === undefined ? [] : [['Expires', String(expires)] as const]),
        ...fields,
      ]),
      body: new Uint8Array(),
    }
    const incoming: IncomingRequest = {
      request,
      source: { transport: 'udp' } as Source,
      onCancel: () => {},
      respond: (status: number, options: RespondOptions = {}) => {
        const headers = new Headers([...(options.headers ?? [])])
        const seconds = headers.get('Expires') ?? headers.get('Min-Expires') ?? headers.get('Retry-After')
        this.answers.push(seconds === undefined ? String(status) : `${status} ${seconds}`)
        this.#tag = /;tag=(\S+)$/.exec(options.to ?? '')?.[1] ?? this.#tag
      },
    }
    watched.receive(incoming, { pair, home: 'main', named })
    await settled()
  }

  /** The next SUBSCRIBE begins another dialog. */
  forget(): void {
    this.#tag = ''
  }
}

/** What was begun by a microtask has happened. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

/** Juliet is watched by Romeo: an XMPP server and a home server that only record, on a clock of the test's own. */
export class WatchedBed {
  readonly time = new ManualTime()
  readonly counters = new Counters()
  readonly faults: unknown[] = []
  /** What the XMPP server got. */
  readonly stanzas: Element[] = []
  /** What the store was told. */
  readonly kept: string[] = []
  readonly watched: Watched
  readonly devices: Device[] = []
  pair = PAIR
  live = true
  stale = false
  /** Milliseconds for which Juliet's server cannot be reached, though the link is there. */
  away = 0
  /** Juliet sees Romeo. */
  seen = false
  /** Juliet may know what Romeo is called. */
  named = true
  /** How a NOTIFY is answered. */
  answer: (request: SipRequest) => Outcome = () => ({ kind: 'response', response: sipResponse(200) })

  constructor(changes: Partial<WatchedOptions> = {}) {
    const endpoint = {
      listenerFor: () => ({ sentBy: '127.0.0.1:5060', transport: 'udp' }),
      send: (request: SipRequest, _hop: unknown, on: (outcome: Outcome) => void) => {
        const callId = request.headers.get('Call-ID')
        this.devices.find((device) => device.callId === callId)?.notifies.push(request)
        const outcome = this.answer(request)
        queueMicrotask(() => on(outcome))
      },
    } as unknown as Endpoint
    const bed = this
    const attached = {
      ...asComponent(),
      link: {
        get live() {
          return bed.live
        },
        send: (stanza: Element) => this.live && this.stanzas.push(stanza) > 0,
      },
      book: new AddressBook({ kind: 'straight' }, 100),
      gateway: { software: { name: 'Test', version: '0' }, type: 'sip' },
    }
    const snapshot = () => open()
    const store = {
      keepAuthorization: ({ state }: { state: string }) => this.kept.push(state),
      dropPair: () => this.kept.push('gone'),
      keepDialog: ({ body }: { body: string }) =>
        this.kept.push(`dialog ${(JSON.parse(body) as { saved: { status: string } }).saved.status}`),
      dropDialog: () => this.kept.push('dialog gone'),
    } as unknown as PresenceStore
    this.watched = new Watched({
      endpoint: () => endpoint,
      people: new People({ snapshot, attached: () => attached as never }),
      ways: new Ways({
        endpoint: () => endpoint,
        snapshot,
        placesOf: () => [{ transport: 'udp', address: '192.0.2.7', port: 5070 } as never],
        sendingTo: () => ({ written: (request) => request, heard: () => false }),
        edge: () => 'edge.example',
      }),
      keeping: new Keeping(store),
      awayFor: () => (this.stale ? 1001 : this.away),
      stale: 1000,
      isSeen: () => this.seen,
      intake: { shortest: 60, longest: 3600 },
      interval: 5000,
      giveUp: 604_800,
      limit: 100,
      devices: 4,
      notifies: 500,
      documents: DEFAULT_PRESENCE_LIMITS,
      retryAfter: 300,
      clock: this.time,
      timers: this.time.timers,
      random: countingRandom(),
      counters: this.counters,
      fault: (error) => this.faults.push(error),
      ...changes,
    })
  }

  get said(): string[] {
    return this.stanzas.map(shownStanza)
  }

  get exposure(): Exposure | undefined {
    return this.watched.find(this.pair)
  }

  device(name = `d${this.devices.length}`): Device {
    const device = new Device(this, name)
    this.devices.push(device)
    return device
  }

  async pass(ms: number): Promise<void> {
    this.time.pass(ms)
    await settled()
  }

  /** Presence of Juliet: of one of her devices, or of her bare address. */
  async presence(resource: string, ...children: readonly (Element | 'unavailable')[]): Promise<void> {
    const from = resource === '' ? JULIET : `${JULIET}/${resource}`
    const elements = children.filter((child) => child !== 'unavailable')
    const type = elements.length < children.length ? 'unavailable' : undefined
    const stanza = xml('presence', { from, to: ROMEO, ...(type && { type }) }, ...elements)
    const change = readPresence(stanza, this.time.wall(), DEFAULT_PRESENCE_LIMITS)
    if (change !== undefined) this.watched.presence(this.pair, change)
    await settled()
  }

  /** An error in answer to the last `subscribe`, or to something else. */
  async error(condition: string, type: string, id = String(this.stanzas.at(-1)?.attrs.id)): Promise<void> {
    const error = xml('error', { type }, xml(condition, { xmlns: 'urn:ietf:params:xml:ns:xmpp-stanzas' }))
    this.watched.failed(this.pair, xml('presence', { type: 'error', from: JULIET, to: ROMEO, id }, error))
    await settled()
  }

  async granted(): Promise<void> {
    this.watched.granted(this.pair)
    await settled()
  }

  async rejected(): Promise<void> {
    this.watched.rejected(this.pair)
    await settled()
  }

  async renew(): Promise<void> {
    for (const exposure of this.watched.all()) this.watched.renew(exposure)
    await settled()
  }
}

export const show = (value: string): Element => xml('show', {}, value)
export const status = (text: string, lang?: string): Element =>
  xml('status', lang === undefined ? {} : { 'xml:lang': lang }, text)
export const priority = (value: number): Element => xml('priority', {}, String(value))
