/**
 * The gateway's SIP endpoint and proxy core alone: transactions, Via, Max-Forwards, loop detection, both ways, but neither
 * configuration nor rules. What it reaches is what the edge has to spend.
 */
import { readFileSync } from 'node:fs'
import { systemClock } from '../../src/kernel/clock.ts'
import { systemRandom } from '../../src/kernel/random.ts'
import { TimerWheel } from '../../src/kernel/timer-wheel.ts'
import { certificatesIn, readCertificate } from '../../src/net/tls/certificate.ts'
import { Credentials } from '../../src/net/tls/credentials.ts'
import {
  createEndpoint,
  type Endpoint,
  type Hop,
  type IncomingRequest,
} from '../../src/sip/endpoint/endpoint.ts'
import { forwarded, passedFields } from '../../src/sip/proxy/forward.ts'
import { LoopDetection } from '../../src/sip/proxy/loop.ts'
import { Relays } from '../../src/sip/proxy/relay.ts'
import type { ListenerOptions } from '../../src/sip/transport/place.ts'
import type { NullGateway } from './null-proxy.ts'
import { edgeOf, HOME_HOST, PROVIDER_DOMAIN } from './run.ts'

const { load, ports, files } = JSON.parse(process.env.DRAGOMAN_BENCH_PLACE ?? '') as NullGateway
const { provider } = load
if (provider === undefined) throw new Error('a proxy has a provider on one side')

const read = (file: string): string => readFileSync(file, 'utf8')
const anchors = certificatesIn(read(files.authorities))
  .map(readCertificate)
  .flatMap((certificate) => (certificate.ok ? [certificate.value] : []))
const credentials = new Credentials({
  certificates: [{ name: 'edge', cert: read(files.certificate), key: read(files.key) }],
  trust: { anchors },
})
const listener = (
  side: 'inside' | 'outside',
  transport: 'udp' | 'tcp' | 'tls',
  port: number,
): ListenerOptions => ({
  ...{ name: side, side, transport, address: '127.0.0.1', port },
  ...(transport === 'tls' && { tls: { credentials, demand: true } }),
})
const hop = (transport: 'udp' | 'tcp' | 'tls', port: number, name: string): Hop => ({
  ...{ transport, address: '127.0.0.1', port },
  ...(transport === 'tls' && { names: [name] }),
})
const beyond = {
  inside: hop(provider.transport, ports.providerPort, edgeOf(PROVIDER_DOMAIN)),
  outside: hop(load.transport, ports.sipPort, HOME_HOST),
}

const nothing: ReadonlySet<string> = new Set()
const timers = new TimerWheel({ clock: systemClock, onError: (error) => console.error(error) })
const loops = new LoopDetection({ random: systemRandom, own: () => own })
let endpoint: Endpoint | undefined
const relays = new Relays({ endpoint: () => endpoint as Endpoint, timers })

function onRequest(incoming: IncomingRequest): void {
  const { request, source } = incoming
  const loop = loops.fingerprint(request)
  if (loops.isLooping(request, loop)) {
    incoming.respond(482)
    return
  }
  relays.begin({
    incoming,
    loop,
    request: forwarded(request, source, {
      ...{ uri: request.uri, routes: [], recordRoutes: [], without: nothing, extra: [] },
    }),
    hops: [beyond[source.side]],
    fieldsOf: (response) => passedFields(response, nothing, []),
    tried() {},
    ended(outcome) {
      if (outcome.kind !== 'response') incoming.respond(outcome.kind === 'timeout' ? 408 : 500)
    },
  })
}

endpoint = await createEndpoint({
  listeners: [
    listener('inside', load.transport, load.gatewayPort),
    listener('outside', provider.transport, provider.gatewayPort),
  ],
  limits: { connections: 20_000 },
  roleOf: () => 'proxy',
  onRequest,
  onEvent: (event) => process.stderr.write(`${JSON.stringify(event)}\n`),
  timers,
})
const own = new Set(endpoint.listeners.map(({ sentBy }) => sentBy))
process.stdout.write('{"msg":"ready"}\n')
process.on('SIGTERM', () => process.exit(0))
