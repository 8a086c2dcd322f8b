import { AddressBook } from '../../../src/edge/address-book.ts'
import type { Attached } from '../../../src/edge/attached.ts'
import { Counters } from '../../../src/edge/counters.ts'
import { Keeping } from '../../../src/edge/presence/keeping.ts'
import { People } from '../../../src/edge/presence/people.ts'
import type {
  PresencePair,
  PresenceStore,
  StoredAuthorization,
  StoredDialog,
} from '../../../src/edge/presence/store.ts'
import type { Judged } from '../../../src/edge/presence/watch.ts'
import { Watching } from '../../../src/edge/presence/watching.ts'
import type { WatchingOptions } from '../../../src/edge/presence/watching-options.ts'
import { Ways } from '../../../src/edge/presence/ways.ts'
import type { Endpoint, IncomingRequest, Outcome } from '../../../src/sip/endpoint/endpoint.ts'
import { Headers } from '../../../src/sip/headers.ts'
import type { SipRequest } from '../../../src/sip/message.ts'
import { parseNameAddr } from '../../../src/sip/name-addr.ts'
import type { Element } from '../../../src/xmpp/xml/element.ts'
import { address } from '../../federation/fixtures.ts'
import { ManualTime } from '../../sip/events/bed.ts'
import { asComponent, conditionOf, JULIET, open, ROMEO, sipResponse } from '../support.ts'

export const PAIR: PresencePair = { direction: 'out', xmpp: JULIET, sip: `sip:${ROMEO}` }
export const BALCONY = `${JULIET}/balcony`

type Tuples = Readonly<Record<string, string | { readonly basic: string; readonly note?: string }>>

/** `{ orchard: 'open' }`: a document with a tuple for each. */
export const pidf = (tuples: Tuples, more = ''): string =>
  `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:${ROMEO}">${Object.entries(tuples)
    .map(([id, one]) => {
      const { basic, note } = typeof one === 'string' ? { basic: one, note: undefined } : one
      const text = note === undefined ? '' : `<note>${note}</note>`
      return `<tuple id="ID-${id}"><status><basic>${basic}</basic></status>${text}</tuple>`
    })
    .join('')}${more}</presence>`

/** What the notifier, whom the test plays, has got. */
export class Subscribed {
  readonly request: SipRequest
  readonly #done: (outcome: Outcome) => void
  readonly #watching: Watching
  /** Of the dialog; the test may play a fork. */
  tag = 'home'
  cseq = 0
  /** Whom the NOTIFYs come from, as the rules see it. */
  sender = ROMEO

  constructor(request: SipRequest, done: (outcome: Outcome) => void, watching: Watching) {
    this.request = request
    this.#done = done
    this.#watching = watching
  }

  get expires(): string | undefined {
    return this.request.headers.get('Expires')
  }

  /** Begins a dialog. */
  get first(): boolean {
    return !(this.request.headers.get('To') ?? '').includes('tag=')
  }

  answer(status: number, fields: [string, string][] = []): void {
    this.#done({ kind: 'response', response: sipResponse(status, '', fields) })
  }

  fail(kind: 'timeout' | 'transport-failure' = 'timeout'): void {
    this.#done({ kind, reason: 'the test' })
  }

  /** @returns the status that it got */
  notify(state: string, body = '', fields: [string, string][] = []): number {
    const { headers } = this.request
    const from = parseNameAddr(headers.get('From') ?? '')
    if (!from.ok) throw new Error('From')
    let status = 0
    const incoming: IncomingRequest = {
      request: {
        kind: 'request',
        method: 'NOTIFY',
        uri: from.value.uri,
        headers: new Headers([
          ['From', `<sip:${this.sender}>;tag=${this.tag}`],
          ['To', headers.get('From') ?? ''],
          ['Call-ID', headers.get('Call-ID') ?? ''],
          ['CSeq', `${++this.cseq} NOTIFY`],
          ['Contact', '<sip:romeo@192.0.2.7>'],
          ['Event', 'presence'],
          ['Subscription-State', state],
          ...(body === '' ? [] : [['Content-Type', 'application/pidf+xml'] as const]),
          ...fields,
        ]),
        body: Buffer.from(body),
      },
      source: { transport: 'udp', address: '127.0.0.1', port: 5060, listener: 'udp', side: 'inside' },
      respond: (said) => {
        status = said
      },
      onCancel: () => {},
    }
    this.#watching.receive(incoming, { from: address(this.sender), to: address(JULIET) })
    return status
  }

  /** 200 and what everybody likes to see. */
  grant(body = pidf({ orchard: 'open' }), expires = 3600): void {
    this.answer(200, [['Expires', String(expires)]])
    this.notify(`active;expires=${expires}`, body)
  }
}

/** A stanza in a few words: `subscribed`, `orchard`, `orchard "here"`, `orchard unavailable`; then ` > to`, if not Juliet as a whole. */
function words(stanza: Element): string {
  const { from, to, type } = stanza.attrs
  const [bare, resource = ''] = String(from).split('/')
  if (bare !== ROMEO && type !== 'error') throw new Error(`from ${from}`)
  const note = stanza.getChildText('status')
  const said = [
    resource === '' && (type === undefined || type === 'unavailable') ? 'bare' : resource,
    type === 'error' ? `error ${conditionOf(stanza)}` : (type ?? ''),
    note === null ? '' : JSON.stringify(note),
  ]
  return `${said.filter((part) => part !== '').join(' ')}${to === JULIET ? '' : ` > ${to}`}`
}

/** A store that keeps what it is given; `keeps` tells of a pair: its authorization, its dialogs. */
export class RecordingStore implements PresenceStore {
  readonly authorizations = new Map<string, StoredAuthorization>()
  readonly dialogs = new Map<string, StoredDialog>()
  readonly loadPresence = async function* () {}
  keepAuthorization(one: StoredAuthorization): void {
    this.authorizations.set(one.sip, one)
  }
  dropPair({ sip }: PresencePair): void {
    this.authorizations.delete(sip)
    for (const [id, one] of this.dialogs) if (one.sip === sip) this.dialogs.delete(id)
  }
  keepDialog(dialog: StoredDialog): void {
    this.dialogs.set(dialog.id, dialog)
  }
  dropDialog(id: string): void {
    this.dialogs.delete(id)
  }
  presenceStats() {
    return { waiting: 0, written: 0, failed: 0 }
  }
}

export const judged = (verdict: Partial<Judged['verdict']> = {}): Judged => ({
  home: 'main',
  verdict: { providerType: 'partner', hideNotes: false, ...verdict },
})

export class OutRig {
  readonly time = new ManualTime()
  readonly store = new RecordingStore()
  readonly stanzas: Element[] = []
  readonly sent: Subscribed[] = []
  readonly faults: unknown[] = []
  readonly watching: Watching
  link = { live: true }
  #taken = 0
  #told = 0

  constructor(options: Partial<WatchingOptions> = {}) {
    const via: Attached = {
      ...asComponent(),
      link: Object.assign(this.link, {
        send: (stanza: Element) => {
          if (this.link.live) this.stanzas.push(stanza)
          return this.link.live
        },
      }),
      book: new AddressBook({ kind: 'straight' }, 100),
      gateway: { software: { name: 'Test', version: '1' }, type: 'sip' },
    }
    const snapshot = open()
    const endpoint = {
      listenerFor: () => ({ sentBy: 'edge.sip.example:5060', transport: 'udp' }),
      send: (request: SipRequest, _hop: unknown, done: (outcome: Outcome) => void) => {
        this.sent.push(new Subscribed(request, done, this.watching))
      },
    } as unknown as Endpoint
    const place = { transport: 'udp', address: '192.0.2.1', port: 5060 } as never
    let fraction = 0
    let token = 0
    this.watching = new Watching({
      endpoint: () => endpoint,
      people: new People({ snapshot: () => snapshot, attached: () => via }),
      ways: new Ways({
        endpoint: () => endpoint,
        snapshot: () => snapshot,
        placesOf: () => [place],
        sendingTo: () => ({ written: (request) => request, heard: () => false }),
        edge: () => 'edge.example',
      }),
      keeping: new Keeping(this.store),
      expires: 3600,
      giveUp: 600_000,
      retry: { first: 30_000, longest: 3_600_000 },
      resume: 500,
      limit: 10,
      pending: 10,
      documents: {
        document: { stanzaBytes: 65_536, depth: 16, attributes: 32 },
        resources: 10,
        texts: 10,
        textLength: 1000,
      },
      clock: this.time,
      timers: this.time.timers,
      random: {
        fraction: () => (fraction = (fraction + 0.37) % 1),
        token: (n) => String(++token).padStart(n, 't'),
      },
      counters: new Counters(),
      fault: (error) => this.faults.push(error),
      ...options,
    })
  }

  subscribe(id?: string, how = judged()) {
    return this.watching.subscribe(PAIR, how, id)
  }

  probe(from = BALCONY, how = judged()) {
    return this.watching.probe(PAIR, how, from)
  }

  unsubscribe(): void {
    this.watching.unsubscribe(PAIR)
  }

  /** A link is back, and whoever could not be told has been told. */
  settle(): void {
    this.watching.settle()
    this.pass(100)
  }

  /** The rules let it pass: those that were held back are renewed and woken then. */
  permit(how = judged()): void {
    const watch = this.watch()
    const held = watch.refused || !watch.judged
    this.watching.permit(watch, how)
    if (!held) return
    this.watching.renew(watch)
    this.watching.wake(watch)
  }

  presence(there: boolean): void {
    this.watching.presence(PAIR, there)
  }

  watch() {
    const watch = this.watching.find(PAIR)
    if (watch === undefined) throw new Error('there is no watch')
    return watch
  }

  pass(ms: number): void {
    this.time.pass(ms)
  }

  /** The SUBSCRIBEs that nobody has looked at yet. */
  async asked(): Promise<readonly Subscribed[]> {
    await settled()
    const some = this.sent.slice(this.#taken)
    this.#taken = this.sent.length
    return some
  }

  /** The one SUBSCRIBE that nobody has looked at yet. */
  async next(): Promise<Subscribed> {
    const [one, ...more] = await this.asked()
    if (one === undefined || more.length > 0) throw new Error(`${more.length + (one ? 1 : 0)} SUBSCRIBEs`)
    return one
  }

  /** What Juliet was told since she was last asked. */
  told(): readonly string[] {
    const some = this.stanzas.slice(this.#told)
    this.#told = this.stanzas.length
    return some.map(words)
  }

  /** Juliet sees Romeo, and has been told so. */
  async seeing(body = pidf({ orchard: 'open' }), expires = 3600): Promise<Subscribed> {
    this.subscribe()
    const subscribed = await this.next()
    subscribed.grant(body, expires)
    this.told()
    return subscribed
  }
}

/** Whatever was promised has happened. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
