import { once } from 'node:events'
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { onTestFinished } from 'vitest'
import { certificatesIn, readCertificate } from '../../../src/net/tls/certificate.ts'
import { Credentials, type Material } from '../../../src/net/tls/credentials.ts'
import type { EndpointOptions } from '../../../src/sip/endpoint/endpoint.ts'
import type { ListenerTls } from '../../../src/sip/transport/place.ts'
import { Authority, type Issued } from '../../support/certificates.ts'
import { type Bed, bed, type TcpPeer, watch } from './bed.ts'

/** The authority that everybody trusts, unless told otherwise. */
export const ROOT = new Authority('Root')

/** The certificate of the endpoint that is tested. */
export const OURS = ROOT.issue({ commonName: 'ours', dns: ['ours.example'] })
/** That of its peer. */
export const THEIRS = ROOT.issue({ commonName: 'theirs', dns: ['theirs.example'] })

export function material(
  own: Readonly<Record<string, Issued>>,
  trusted: readonly string[] = [ROOT.pem],
): Material {
  const anchors = trusted
    .flatMap(certificatesIn)
    .map(readCertificate)
    .flatMap((read) => (read.ok ? [read.value] : []))
  return {
    certificates: Object.entries(own).map(([name, { cert, key }]) => ({ name, cert, key })),
    trust: { anchors },
  }
}

export const credentials = (own: Readonly<Record<string, Issued>> = { ours: OURS }): Credentials =>
  new Credentials(material(own))

export interface TlsBed extends Bed {
  readonly tls: number
}

/** An endpoint with one TLS listener. */
export async function tlsBed(
  tls: Partial<ListenerTls> = {},
  options: Partial<EndpointOptions> = {},
): Promise<TlsBed> {
  const made = await bed({
    listeners: [
      {
        name: 'in-tls',
        transport: 'tls',
        address: '127.0.0.1',
        port: 0,
        side: 'outside',
        tls: { credentials: tls.credentials ?? credentials(), ...tls },
      },
    ],
    ...options,
  })
  return { ...made, tls: made.endpoint.listeners[0]?.port ?? 0 }
}

export interface TlsPeer extends TcpPeer {
  readonly socket: TLSSocket
}

/** A peer that connects, with whatever certificate it likes; it believes everybody. */
export async function tlsPeer(
  port: number,
  shows: Issued | 'nothing' = THEIRS,
  options: ConnectionOptions & { readonly localAddress?: string } = {},
): Promise<TlsPeer> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ...(shows === 'nothing' ? {} : { cert: shows.cert, key: shows.key }),
    ...options,
  })
  const peer = { ...watch(socket), socket }
  await once(socket, 'secureConnect')
  return peer
}

export interface TlsTestServer {
  readonly port: number
  /** What SNI asked for. */
  readonly asked: (string | false | null)[]
  /** Connections that have ended, with or without a handshake. */
  gone(): number
}

/** A server that a request may go to, with whatever certificate it likes. */
export async function tlsServer(
  shows: Issued,
  onConnection: (peer: TlsPeer) => void = () => {},
  options: TlsOptions = {},
): Promise<TlsTestServer> {
  const asked: (string | false | null)[] = []
  const server = createServer(
    { cert: shows.cert, key: shows.key, requestCert: true, rejectUnauthorized: false, ...options },
    (socket) => {
      asked.push(socket.servername)
      onConnection({ ...watch(socket), socket })
    },
  )
  let gone = 0
  server.on('connection', (socket) => socket.on('close', () => gone++))
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
  })
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  return { port: bound.port, asked, gone: () => gone }
}
