import type { Clock } from '../../../src/kernel/clock.ts'
import type { Domain } from '../../../src/kernel/domain.ts'
import type { Random } from '../../../src/kernel/random.ts'
import { readCertificate } from '../../../src/net/tls/certificate.ts'
import { Credentials } from '../../../src/net/tls/credentials.ts'
import { DialbackKeys } from '../../../src/xmpp/s2s/dialback-key.ts'
import type { DomainPair } from '../../../src/xmpp/s2s/domain-pair.ts'
import type { Accepted, StreamProof } from '../../../src/xmpp/s2s/negotiation.ts'
import {
  type Bounce,
  DEFAULT_S2S_LIMITS,
  type PeerRules,
  type S2sEvent,
  type S2sLimits,
} from '../../../src/xmpp/s2s/options.ts'
import { Pool } from '../../../src/xmpp/s2s/pool.ts'
import { type Element, xml } from '../../../src/xmpp/xml/element.ts'
import { DEFAULT_XML_LIMITS } from '../../../src/xmpp/xml/limits.ts'
import { fakeTime } from '../../kernel/fake-time.ts'
import { dnsOf, type Known } from '../../net/dns/dns-of.ts'
import { Authority, type Issued, selfSigned } from '../../support/certificates.ts'
import { until } from '../../support/patient-clock.ts'
import { domain } from './support.ts'

export const CAPULET = domain('capulet.example')
export const MONTAGUE = domain('montague.example')
export const PAIR: DomainPair = { sender: CAPULET, target: MONTAGUE }
export const SECRET = 'a secret of ours'

const authority = new Authority('S2S')
export const issue = (...dns: readonly string[]): Issued => authority.issue({ dns, purposes: ['server'] })
export const MATCHING = issue('montague.example')
export const OF_ANOTHER = issue('verona.example')
export const SELF_SIGNED = selfSigned({ commonName: 'montague.example', dns: ['montague.example'] })
const OURS = authority.issue({
  dns: ['capulet.example', 'rooms.capulet.example'],
  purposes: ['server', 'client'],
})

const trust = { anchors: [readCertificate(authority.x509)].flatMap((read) => (read.ok ? [read.value] : [])) }
export const ALL: Accepted = ['sasl-tls', 'tls-dialback', 'tcp-dialback']

export interface BedOptions {
  /** The port of each domain's server on 127.0.0.1, or what DNS says of names. */
  readonly servers?: Readonly<Record<string, number>>
  readonly names?: Readonly<Record<string, Known>>
  readonly rules?: Partial<PeerRules> | ((own: Domain, other: Domain) => Partial<PeerRules> | undefined)
  readonly limits?: Partial<S2sLimits>
  readonly connections?: number
}

/** A pool on fake time, whose sockets are real. */
export function poolBed({
  servers = {},
  names = {},
  rules = {},
  limits = {},
  connections = 100,
}: BedOptions) {
  const time = fakeTime()
  let ahead = 0
  const clock: Clock = { now: () => time.clock.now(), wall: () => Date.now() + ahead }
  const random: Random = { fraction: () => 0, token: (length) => 'x'.repeat(length) }
  const table: Record<string, Known> = { 'server.example': { A: ['127.0.0.1'] }, ...names }
  for (const [name, port] of Object.entries(servers))
    table[`_xmpp-server._tcp.${name}`] = { SRV: [{ target: 'server.example', port }] }
  const { lookups, asked } = dnsOf(table)

  const bounces: { readonly id: string; readonly bounce: Bounce }[] = []
  const stanzas: { readonly stanza: Element; readonly pair: DomainPair; readonly proof: StreamProof }[] = []
  const events: S2sEvent[] = []
  const faults: unknown[] = []
  const verified: string[] = []
  const closed: string[] = []
  const taken = new Map<string, boolean>()
  let open = 0
  let now = rules

  const pool = new Pool({
    s2s: {
      credentials: new Credentials({ certificates: [{ name: 'ours', ...OURS }], trust }),
      keys: new DialbackKeys([SECRET]),
      serves: (own) => own === CAPULET || own === 'rooms.capulet.example',
      rulesFor(own, other) {
        const found = typeof now === 'function' ? now(own, other) : now
        if (found === undefined) return undefined
        return {
          accepted: ALL,
          keepAlive: 0,
          partner: 'Capulet',
          connections: 10,
          fixed: undefined,
          ...found,
        }
      },
      lookups,
      xml: DEFAULT_XML_LIMITS,
      limits: { ...DEFAULT_S2S_LIMITS, ...limits },
      retry: { first: 2_000, ceiling: 64_000 },
      clock,
      timers: time.timers,
      random,
      onStanza: (stanza, pair, proof) => stanzas.push({ stanza, pair, proof }),
      onBounce: (stanza, bounce) => bounces.push({ id: stanza.attrs.id as string, bounce }),
      onEvent: (event) => events.push(event),
      onFault: (error) => faults.push(error),
    },
    connections: {
      take() {
        if (open >= connections) return false
        open++
        return true
      },
      release: () => {
        open--
      },
    },
    verified: (via, answer) =>
      verified.push(`${via} ${answer.from.text} ${answer.id} ${answer.verdict.type}`),
    closed: (stream) => closed.push(stream),
  })

  const message = (id: string, { sender, target }: DomainPair = PAIR): Element =>
    xml('message', { from: `romeo@${sender}`, to: `juliet@${target}`, id }, xml('body', {}, `text of ${id}`))

  return {
    pool,
    time,
    asked,
    bounces,
    stanzas,
    events,
    faults,
    verified,
    closed,
    taken,
    /** Connections that are counted. */
    open: () => open,
    message,
    /** The calendar is ahead by so many milliseconds from now on. */
    advance(by: number) {
      ahead += by
    },
    /** Other rules from now on. */
    rule(next: BedOptions['rules']) {
      now = next ?? {}
    },
    send: (id: string, pair: DomainPair = PAIR): boolean =>
      pool.send(message(id, pair), pair, (whether) => {
        if (taken.has(id)) faults.push(new Error(`${id} was told twice`))
        taken.set(id, whether)
      }),
    /** Once it is known what became of the stanza. */
    told: async (id: string): Promise<boolean> => {
      await until(() => taken.has(id))
      return taken.get(id) as boolean
    },
    ofKind: <K extends S2sEvent['kind']>(kind: K) =>
      events.filter((event): event is Extract<S2sEvent, { kind: K }> => event.kind === kind),
    async [Symbol.asyncDispose]() {
      await pool.close()
      if (faults.length > 0) throw faults[0]
    },
  }
}
