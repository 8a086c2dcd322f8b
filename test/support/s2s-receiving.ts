import { randomUUID } from 'node:crypto'
import type { Element } from '@xmpp/xml'
import type { Host, Outcome, Receiving, Verdict, Way } from './s2s-roles.ts'
import type { S2sStream, StreamHeader } from './s2s-stream.ts'
import {
  conditionOf,
  dialbackKey,
  dialbackText,
  featuresText,
  NS,
  saslFailure,
  streamErrorText,
} from './s2s-words.ts'

const STANZAS = ['message', 'presence', 'iq']
export const isStanza = (element: Element): boolean => STANZAS.includes(element.getName())

/** A test ends before that. */
const ALWAYS = { within: 600_000 }

/**
 * Takes a stream in a manner, until it ends: answers STARTTLS, SASL, dialback and stream management; leaves stanzas to the
 * test. Tells of every domain that was proved or refused.
 */
export async function serve(
  stream: S2sStream,
  host: Host,
  manner: Receiving,
  tell: (outcome: Outcome) => void,
): Promise<void> {
  const server = new Receiver(stream, host, manner, tell)
  try {
    await server.run()
  } catch (error) {
    stream.transcript.push(`· ${(error as Error).message.split('\n')[0]}`)
    server.over()
  }
}

class Receiver {
  readonly #stream: S2sStream
  readonly #host: Host
  readonly #manner: Receiving
  readonly #tell: (outcome: Outcome) => void
  #header: StreamHeader = { dialback: false }
  #id = ''
  #authenticated = false
  #bidi = false
  /** The request for stream management: what comes after it is counted. */
  #enabled: Element | undefined
  #told = false

  constructor(stream: S2sStream, host: Host, manner: Receiving, tell: (outcome: Outcome) => void) {
    this.#stream = stream
    this.#host = host
    this.#manner = manner
    this.#tell = (outcome) => {
      this.#told = true
      tell(outcome)
    }
  }

  async run(): Promise<void> {
    await this.#greet()
    for (;;) {
      const element = await this.#stream.elements.next((item) => !isStanza(item), ALWAYS)
      if (await this.#take(element)) return
    }
  }

  over(): void {
    if (!this.#told) this.#refuse('them', 'closed')
  }

  async #greet(): Promise<void> {
    const stream = this.#stream
    const {
      version = true,
      sm = false,
      bidi = false,
      dialback,
      dialbackFeature = 'with-errors',
    } = this.#manner
    this.#header = await stream.header(ALWAYS)
    const { from, to = this.#host.domain } = this.#header
    this.#id = randomUUID()
    await stream.open({
      from: to,
      ...(from !== undefined && { to: from }),
      id: this.#id,
      ...(!version && { version: null }),
      dialback: dialback?.length !== 0,
    })
    if (!version || this.#header.version === undefined) return
    const done = this.#authenticated
    await stream.write(
      featuresText({
        starttls: this.#starttlsOffer(),
        external: !done && this.#offersExternal(),
        dialback: dialbackFeature === 'absent' || !this.#doesDialback() ? undefined : dialbackFeature,
        bidi: bidi && !done,
        sm: sm !== false,
      }),
    )
  }

  /** True: the stream is over. */
  async #take(element: Element): Promise<boolean> {
    const name = element.getName()
    switch (element.getNS()) {
      case NS.tls:
        return name === 'starttls' ? await this.#starttls() : false
      case NS.sasl:
        if (name === 'auth') await this.#auth(element)
        return false
      case NS.dialback:
        if (element.attrs.type !== undefined) return false
        return name === 'result' ? await this.#result(element) : await this.#verify(element)
      case NS.bidi:
        this.#bidi = true
        return false
      case NS.sm:
        await this.#manage(element)
        return false
      case NS.streams:
        this.#refuse('them', conditionOf(element) ?? '')
        return true
      default:
        return await this.#fail('unsupported-stanza-type')
    }
  }

  get #clear(): boolean {
    return this.#stream.tls === undefined
  }

  #starttlsOffer(): 'offered' | 'required' | undefined {
    const { starttls = this.#host.identity === undefined ? 'absent' : 'offered' } = this.#manner
    if (!this.#clear || starttls === 'absent' || starttls === 'secret') return undefined
    return starttls === 'required' ? 'required' : 'offered'
  }

  #offersExternal(): boolean {
    const { external = 'if-proved' } = this.#manner
    if (this.#clear || external === 'absent') return false
    return external !== 'if-proved' || this.#proves(this.#header.from ?? '')
  }

  #proves(domain: string): boolean {
    return this.#stream.tls?.proves(domain) ?? false
  }

  #doesDialback(): boolean {
    return (this.#manner.dialback ?? ['tls', 'clear']).includes(this.#clear ? 'clear' : 'tls')
  }

  async #starttls(): Promise<boolean> {
    const { identity } = this.#host
    const { starttls = 'offered', requestCert = true } = this.#manner
    if (identity === undefined || starttls === 'absent' || starttls === 'failure') {
      await this.#stream.write(`<failure xmlns='${NS.tls}'/></stream:stream>`)
      this.#refuse('us', 'tls-failure')
      return true
    }
    await this.#stream.write(`<proceed xmlns='${NS.tls}'/>`)
    await this.#stream.tlsAsServer({ identity, requestCert })
    await this.#greet()
    return false
  }

  async #auth(element: Element): Promise<void> {
    const authzid = Buffer.from(element.getText().replace(/^=$/, ''), 'base64').toString()
    const domain = authzid === '' ? (this.#header.from ?? '') : authzid
    const { external = 'if-proved' } = this.#manner
    const good = external === 'always' || (external === 'if-proved' && this.#proves(domain))
    if (this.#clear || element.attrs.mechanism !== 'EXTERNAL' || !good) {
      await this.#stream.write(saslFailure('not-authorized'))
      return
    }
    this.#stream.restart()
    await this.#stream.write(`<success xmlns='${NS.sasl}'/>`)
    this.#authenticated = true
    await this.#greet()
    this.#established('sasl-tls', domain)
  }

  async #result(element: Element): Promise<boolean> {
    if (!this.#doesDialback())
      return await this.#fail(this.#clear ? 'policy-violation' : 'unsupported-stanza-type')
    const { from, to } = element.attrs as { from: string; to: string }
    const { verdict = 'ask' } = this.#manner
    if (verdict === 'silent') return false
    const question = { receiving: to, originating: from, id: this.#id, key: element.getText().trim() }
    const unreachable = (): Verdict => ({ error: 'remote-server-not-found' })
    const found = verdict === 'ask' ? await this.#host.verify(question).catch(unreachable) : verdict
    await this.#stream.write(dialbackText('result', { from: to, to: from, ...answer(found) }))
    if (found === 'valid') this.#established(this.#clear ? 'tcp-dialback' : 'tls-dialback', from)
    else this.#refuse('us', typeof found === 'string' ? `dialback-${found}` : found.error)
    return false
  }

  async #verify(element: Element): Promise<boolean> {
    const { from, to, id } = element.attrs as { from: string; to: string; id: string }
    const { authority = 'honest' } = this.#manner
    if (authority === 'silent') return false
    const right = element.getText().trim() === dialbackKey(this.#host.secret, from, to, id)
    const found = authority === 'honest' ? (right ? 'valid' : 'invalid') : authority
    await this.#stream.write(dialbackText('verify', { from: to, to: from, id, ...answer(found) }))
    // A stream for keys alone ends without a word.
    this.#told = true
    return false
  }

  async #manage(element: Element): Promise<void> {
    const { all } = this.#stream.elements
    if (element.is('enable')) {
      this.#enabled = element
      await this.#stream.write(`<enabled xmlns='${NS.sm}'/>`)
    } else if (element.is('r') && this.#enabled !== undefined && this.#manner.sm !== 'silent') {
      const counted = all.slice(all.indexOf(this.#enabled), all.indexOf(element)).filter(isStanza)
      await this.#stream.write(`<a xmlns='${NS.sm}' h='${counted.length}'/>`)
    }
  }

  async #fail(condition: string): Promise<true> {
    await this.#stream.write(streamErrorText(condition))
    this.#refuse('us', condition)
    return true
  }

  #established(way: Way, peer: string): void {
    const certificate = this.#proves(peer)
    this.#tell({ kind: 'established', way, peer, bidi: this.#bidi, certificate, stream: this.#stream })
  }

  #refuse(by: 'us' | 'them', condition: string): void {
    this.#tell({ kind: 'refused', by, condition, stream: this.#stream })
  }
}

const answer = (verdict: Verdict): { type: 'valid' | 'invalid' | 'error'; condition?: string } =>
  typeof verdict === 'string' ? { type: verdict } : { type: 'error', condition: verdict.error }
