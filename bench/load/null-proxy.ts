/**
 * In the gateway's place between SIP and SIP: copies whole messages from one side to the other, unread, and answers back
 * by the sequence number. What the load generator reaches against it is the generator's own ceiling (and this program's).
 */
import { edgeOf, HOME_HOST, type Load, type Ports, PROVIDER_DOMAIN, type TlsFiles } from './run.ts'
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

const tls = (
  servername: string,
  remotePort: number,
  port: number,
  connections: number,
  onMessage: OnMessage,
): Promise<SipPeer> => tlsPeer({ files, remotePort, port, servername, connections }, onMessage)
const inwards = load.direction === 'provider-to-home'
const toOutside = relay(() => outside)
const inside =
  load.transport === 'tls'
    ? await tls(HOME_HOST, ports.sipPort, load.gatewayPort, inwards ? 1 : 0, toOutside)
    : await sipPeer(load.transport, ports.sipPort, toOutside, load.gatewayPort)
const outside = await tls(
  edgeOf(PROVIDER_DOMAIN),
  ports.providerPort,
  load.provider.gatewayPort,
  inwards ? 0 : 1,
  relay(() => inside),
)
await inside.open?.()
await outside.open?.()

process.stdout.write('{"msg":"ready"}\n')
process.on('SIGTERM', () => process.exit(0))
