/**
 * In the gateway's place between SIP and SIP: copies whole messages from one side to the other, unread, and answers back
 * by the sequence number. What the load generator reaches against it is the generator's own ceiling (and this program's).
 */
import {
  edgeOf,
  HOME_HOST,
  type Load,
  type Ports,
  PROVIDER_DOMAIN,
  type TlsFiles,
  type Transport,
} from './run.ts'
import { type OnMessage, type Reply, type SipPeer, sipPeer } from './sip-peer.ts'
import { sequenceIn } from './template.ts'
import { tlsPeer } from './tls-peer.ts'

/** What it is told in the environment. */
export interface NullGateway {
  readonly load: Load
  readonly ports: Ports
  readonly files: TlsFiles
}

const { load, ports, files } = JSON.parse(process.env.DRAGOMAN_BENCH_PLACE ?? '') as NullGateway
if (load.provider === undefined) throw new Error('this stand-in has a provider on one side')

const RING = 1 << 16
const replies: Reply[] = []

let awake = false
function wake(): void {
  if (awake) return
  awake = true
  setImmediate(() => {
    awake = false
    inside.flush()
    outside.flush()
  })
}

/** Takes requests to the other side, and answers to whoever asked. */
const relay =
  (other: () => SipPeer): OnMessage =>
  (text, from, _body, to, reply) => {
    const sequence = sequenceIn(text, from, to)
    if (sequence < 0) return
    const bytes = Buffer.from(text.slice(from, to), 'latin1')
    if (text.startsWith('SIP/2.0 ', from)) replies[sequence % RING]?.(bytes)
    else {
      replies[sequence % RING] = reply
      other().send(bytes)
    }
    wake()
  }

/** One of its two faces: where it listens, and what is beyond it. */
function face(
  transport: Transport,
  place: { readonly servername: string; readonly remotePort: number; readonly port: number },
  connections: number,
  onMessage: OnMessage,
): Promise<SipPeer> {
  return transport === 'tls'
    ? tlsPeer({ ...place, files, connections }, onMessage)
    : sipPeer(transport, place.remotePort, onMessage, place.port)
}

const { provider } = load
const inwards = load.direction === 'provider-to-home'
const inside = await face(
  load.transport,
  { servername: HOME_HOST, remotePort: ports.sipPort, port: load.gatewayPort },
  inwards ? 1 : 0,
  relay(() => outside),
)
const outside = await face(
  provider.transport,
  { servername: edgeOf(PROVIDER_DOMAIN), remotePort: ports.providerPort, port: provider.gatewayPort },
  inwards ? 0 : 1,
  relay(() => inside),
)
await inside.open?.()
await outside.open?.()

process.stdout.write('{"msg":"ready"}\n')
process.on('SIGTERM', () => process.exit(0))
