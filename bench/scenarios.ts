import type { Direction, Transport } from './load/run.ts'

export interface Goal {
  readonly messagesPerSecond?: number
  readonly cpuUsPerMessage?: number
  /** Most memory of the gateway while it runs. */
  readonly residentMegabytes?: number
  /** Kamailio 5.6's xmpp module, pinned to one core of the same kind of machine: quoted, not run here. */
  readonly kamailio?: number
}

export interface Scenario {
  readonly direction: Direction
  /** Between the gateway and the home server. */
  readonly transport: Transport
  /** Between the gateway and a SIP provider: TLS unless told. */
  readonly outside?: 'udp' | 'tls'
  /** TLS connections that the provider keeps open. */
  readonly connections?: number
  /** Peers of each kind that is a nuisance. */
  readonly trouble?: number
  /** They are as many and do as much, but are none. */
  readonly behaved?: boolean
  /** The endpoint and the proxy core without the edge (load/bare-proxy.ts). */
  readonly bare?: boolean
  /** The scenario without what is special here, to compare with. */
  readonly comparedWith?: string
  readonly goal: Goal
}

/** Over one TCP connection: half as much again. */
export const SCENARIOS = {
  'xmpp-to-sip/udp': {
    ...{ direction: 'xmpp-to-sip', transport: 'udp' },
    goal: { messagesPerSecond: 25_000, cpuUsPerMessage: 40, kamailio: 22_750 },
  },
  'xmpp-to-sip/tcp': {
    ...{ direction: 'xmpp-to-sip', transport: 'tcp' },
    goal: { messagesPerSecond: 37_500, cpuUsPerMessage: 40, kamailio: 46_700 },
  },
  'sip-to-xmpp/udp': {
    ...{ direction: 'sip-to-xmpp', transport: 'udp' },
    goal: { messagesPerSecond: 20_000, cpuUsPerMessage: 40, kamailio: 10_550 },
  },
  'sip-to-xmpp/tcp': {
    ...{ direction: 'sip-to-xmpp', transport: 'tcp' },
    goal: { messagesPerSecond: 30_000, cpuUsPerMessage: 40 },
  },
  'bare-proxy/udp': {
    ...{ direction: 'home-to-provider', transport: 'udp', outside: 'udp', bare: true },
    goal: { messagesPerSecond: 15_000 },
  },
  'bare-proxy/tls': {
    ...{ direction: 'provider-to-home', transport: 'tls', connections: 8, bare: true },
    goal: { messagesPerSecond: 20_000 },
  },
  'home-to-provider/udp': {
    ...{ direction: 'home-to-provider', transport: 'udp' },
    goal: { messagesPerSecond: 15_000 },
  },
  'home-to-provider/tls': {
    ...{ direction: 'home-to-provider', transport: 'tls' },
    goal: { messagesPerSecond: 20_000 },
  },
  'provider-to-home/udp': {
    ...{ direction: 'provider-to-home', transport: 'udp', connections: 8 },
    goal: { messagesPerSecond: 15_000 },
  },
  'provider-to-home/tls': {
    ...{ direction: 'provider-to-home', transport: 'tls', connections: 8 },
    goal: { messagesPerSecond: 20_000 },
  },
  'provider-to-home/5000': {
    ...{ direction: 'provider-to-home', transport: 'udp', connections: 5000 },
    // Each message in a TLS record of its own, both ways: this one is about memory.
    goal: { residentMegabytes: 500 },
  },
  'provider-to-home/company': {
    ...{ direction: 'provider-to-home', transport: 'udp', connections: 8, trouble: 20, behaved: true },
    comparedWith: 'provider-to-home/udp',
    goal: { messagesPerSecond: 15_000 },
  },
  'provider-to-home/trouble': {
    ...{ direction: 'provider-to-home', transport: 'udp', connections: 8, trouble: 20 },
    comparedWith: 'provider-to-home/company',
    goal: { messagesPerSecond: 15_000 },
  },
  'home-to-provider/company': {
    ...{ direction: 'home-to-provider', transport: 'udp', trouble: 20, behaved: true },
    comparedWith: 'home-to-provider/udp',
    goal: { messagesPerSecond: 15_000 },
  },
  'home-to-provider/trouble': {
    ...{ direction: 'home-to-provider', transport: 'udp', trouble: 20 },
    comparedWith: 'home-to-provider/company',
    goal: { messagesPerSecond: 15_000 },
  },
} as const satisfies Readonly<Record<string, Scenario>>

export type Name = keyof typeof SCENARIOS

export const scenarioOf = (name: Name): Scenario => SCENARIOS[name]
