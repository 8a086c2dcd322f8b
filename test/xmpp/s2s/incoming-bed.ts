import { onTestFinished } from 'vitest'
import { systemRandom } from '../../../src/kernel/random.ts'
import { TimerWheel } from '../../../src/kernel/timer-wheel.ts'
import { certificatesIn, readCertificate } from '../../../src/net/tls/certificate.ts'
import { Credentials } from '../../../src/net/tls/credentials.ts'
import { provesXmpp } from '../../../src/net/tls/xmpp-identity.ts'
import type { Channel, Outward } from '../../../src/xmpp/s2s/channel.ts'
import type { VerifyRequest } from '../../../src/xmpp/s2s/dialback.ts'
import { DialbackKeys } from '../../../src/xmpp/s2s/dialback-key.ts'
import type { DomainPair } from '../../../src/xmpp/s2s/domain-pair.ts'
import { IncomingSide } from '../../../src/xmpp/s2s/incoming-side.ts'
import type { Accepted, StreamProof } from '../../../src/xmpp/s2s/negotiation.ts'
import {
  DEFAULT_S2S_LIMITS,
  type PeerRules,
  type S2sEvent,
  type S2sLimits,
  type S2sOptions,
} from '../../../src/xmpp/s2s/options.ts'
import type { StreamName, Unreachable } from '../../../src/xmpp/s2s/receiving-state.ts'
import type { Element } from '../../../src/xmpp/xml/element.ts'
import { DEFAULT_XML_LIMITS, type XmlLimits } from '../../../src/xmpp/xml/limits.ts'
import { Authority, type Issued, selfSigned } from '../../support/certificates.ts'
import { patientClock } from '../../support/patient-clock.ts'
import { VALID, verifyAnswerOf } from './support.ts'

export const OWN = 'montague.example'
export const OWN_CHAT = 'chat.montague.example'
export const THEIRS = 'capulet.example'

/** The authority that everybody trusts. */
export const ROOT = new Authority('Root')
export const OURS = ROOT.issue({ commonName: 'ours', dns: [OWN, OWN_CHAT] })
/** Of the peer: by what public authorities issue, for servers alone. */
export const PEER = ROOT.issue({ commonName: THEIRS, dns: [THEIRS], purposes: ['server'] })
/** By nobody: anybody can make it, with the name of a victim. */
export const FORGED = selfSigned({ commonName: THEIRS, dns: [THEIRS], purposes: ['server'] })

export const trusting = (own: Readonly<Record<string, Issued>> = { ours: OURS }): Credentials =>
  new Credentials(
    {
      certificates: Object.entries(own).map(([name, { cert, key }]) => ({ name, cert, key })),
      trust: {
        anchors: certificatesIn(ROOT.pem)
          .map(readCertificate)
          .flatMap((read) => (read.ok ? [read.value] : [])),
      },
    },
    provesXmpp,
  )

export const ALL: Accepted = ['sasl-tls', 'tls-dialback', 'tcp-dialback']

export const rulesOf = (accepted: Accepted, more: Partial<PeerRules> = {}): PeerRules => ({
  accepted,
  keepAlive: 0,
  partner: 'Capulet',
  connections: 10,
  fixed: undefined,
  ...more,
})

/** What is asked of the outgoing side. */
export interface Asked {
  readonly pair: DomainPair
  readonly request: VerifyRequest
  readonly except: StreamName
  tell(outcome: { readonly via: StreamName } | { readonly unreachable: Unreachable }): void
}

export interface IncomingBed {
  readonly side: IncomingSide
  /** STARTTLS. */
  readonly port: number
  readonly directPort: number
  readonly events: S2sEvent[]
  readonly faults: unknown[]
  readonly stanzas: { readonly stanza: Element; readonly pair: DomainPair; readonly proof: StreamProof }[]
  readonly replies: { readonly stanza: Element; readonly pair: DomainPair }[]
  readonly asked: Asked[]
  readonly offered: { readonly pair: DomainPair; readonly channel: Channel }[]
  readonly withdrawn: Channel[]
  readonly suspicions: () => readonly string[]
}

export interface BedWish {
  readonly rules?: (own: string, other: string) => PeerRules | undefined
  readonly limits?: Partial<S2sLimits>
  readonly xml?: Partial<XmlLimits>
  readonly credentials?: Credentials
  /** What the authoritative server says at once; by default nothing. */
  readonly authoritative?: 'valid' | Unreachable
  readonly onStanza?: () => void
  /** Milliseconds by which the calendar is ahead of what it was. */
  readonly ahead?: () => number
}

/** The incoming side on free ports of 127.0.0.1, with an outgoing side that only takes note. */
export async function incomingBed(wish: BedWish = {}): Promise<IncomingBed> {
  const events: S2sEvent[] = []
  const faults: unknown[] = []
  const stanzas: { stanza: Element; pair: DomainPair; proof: StreamProof }[] = []
  const replies: { stanza: Element; pair: DomainPair }[] = []
  const asked: Asked[] = []
  const offered: { pair: DomainPair; channel: Channel }[] = []
  const withdrawn: Channel[] = []
  const timers = new TimerWheel({ clock: patientClock })
  const options: S2sOptions = {
    credentials: wish.credentials ?? trusting(),
    keys: new DialbackKeys(['secret']),
    serves: (own) => own === OWN || own === OWN_CHAT,
    rulesFor: wish.rules ?? (() => rulesOf(ALL)),
    lookups: undefined as never,
    xml: { ...DEFAULT_XML_LIMITS, ...wish.xml },
    limits: { ...DEFAULT_S2S_LIMITS, ...wish.limits },
    retry: { first: 1000, ceiling: 60_000 },
    clock: {
      now: () => patientClock.now(),
      wall: () => patientClock.wall() + (wish.ahead?.() ?? 0),
    },
    timers,
    random: systemRandom,
    onStanza(stanza, pair, proof) {
      stanzas.push({ stanza, pair, proof })
      wish.onStanza?.()
    },
    onBounce: () => {},
    onEvent: (event) => events.push(event),
    onFault: (error) => faults.push(error),
  }
  const outward: Outward = {
    offer: (pair, channel) => offered.push({ pair, channel }),
    withdraw: (channel) => withdrawn.push(channel),
    verify(pair, request, except, tell) {
      asked.push({ pair, request, except, tell })
      const { authoritative } = wish
      if (authoritative === undefined) return
      if (authoritative !== 'valid') {
        tell({ unreachable: authoritative })
        return
      }
      tell({ via: 'out-1' })
      side.receiver.answer('out-1', verifyAnswerOf(request.to.text, request.from.text, request.id, VALID))
    },
  }
  const side = new IncomingSide({
    options,
    listeners: [
      { name: 'clear', address: '127.0.0.1', port: 0, tls: 'starttls' },
      { name: 'direct', address: '127.0.0.1', port: 0, tls: 'direct' },
    ],
    outward,
    connections: { take: () => true, release: () => {} },
    unsolicited: () => {},
    reply: (stanza, pair) => replies.push({ stanza, pair }),
  })
  await side.open()
  onTestFinished(() => side.close())
  const portOf = (name: string): number => side.bound.find((each) => each.name === name)?.port ?? 0
  return {
    side,
    port: portOf('clear'),
    directPort: portOf('direct'),
    events,
    faults,
    stanzas,
    replies,
    asked,
    offered,
    withdrawn,
    suspicions: () => events.flatMap((event) => (event.kind === 'suspicious' ? [event.what] : [])),
  }
}
