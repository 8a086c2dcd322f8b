import type { Element } from '../xml/element.ts'
import { authOf, type StreamView } from './channel.ts'
import type { Opening } from './incoming-opening.ts'
import type { Proved } from './proved-pairs.ts'
import type { Traffic } from './traffic.ts'
import type { Wire } from './wire.ts'

export interface SeenStream {
  readonly name: string
  readonly address: string
  readonly port: number
  readonly state: string
  readonly since: number
  readonly now: number
  readonly wire: Wire
  readonly opening: Opening
  readonly proved: readonly Proved[]
  readonly traffic: Traffic
}

/** What a stream that was opened to us tells of itself. */
export function incomingView(seen: SeenStream): StreamView {
  const { address, port, wire, opening, proved, traffic, now, since } = seen
  const pairs = proved.map(({ pair }) => pair)
  const { own, other } = opening.opened ?? {}
  if (pairs.length === 0 && own !== undefined && other !== undefined)
    pairs.push({ sender: other, target: own })
  const { secured } = wire
  return {
    id: seen.name,
    direction: 'in',
    peers: [...new Set(pairs.map(({ sender }) => sender))],
    own: [...new Set(pairs.map(({ target }) => target))],
    bidi: opening.bidi,
    address: `${address.includes(':') ? `[${address}]` : address}:${port}`,
    tls: secured === undefined ? undefined : { protocol: secured.protocol, cipher: secured.cipher },
    auth: authOf(proved[0]?.proof),
    state: seen.state,
    age: now - since,
    idle: now - traffic.lastStanza,
    ...wire.stats(),
    ...traffic.stats(),
  }
}

/** Their stream error, for the log: the condition, if it looks like one. */
export function theirError(element: Element): string {
  const condition = element.getChildElements().find((child) => child.getName() !== 'text')
  const name = condition?.getName() ?? ''
  return `their error: ${/^[a-z-]{1,40}$/.test(name) ? name : 'undefined-condition'}`
}
