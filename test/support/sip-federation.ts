import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Authority } from './certificates.ts'
import { type DnsServer, startDnsServer, type Zone } from './dns-server.ts'
import { type Dragoman, startDragoman } from './dragoman.ts'
import { identityOf, type TlsIdentity } from './identity.ts'
import { type Kamailio, type KamailioOptions, startKamailio } from './kamailio.ts'
import { freePort, freePorts } from './ports.ts'
import { type Prosody, startProsody } from './prosody.ts'
import { type SipUserAgent, startSipUserAgent } from './sip-user-agent.ts'
import { tempDir } from './temp.ts'

export const ROMEO = 'sip:romeo@sip.example'
export const PARIS = 'sip:paris@provider.example'
/** The names in the certificates of the gateway and of the provider's access edge. */
export const GATEWAY = 'edge.sip.example'
export const EDGE = 'edge.provider.example'

export interface SipFederationOptions {
  /** Between the home server and the gateway; UDP unless told. */
  readonly inside?: 'udp' | 'tcp'
  /** Keys of the provider's row; its level is `all` unless told. */
  readonly provider?: object
  /** Keys of the home's row. */
  readonly home?: object
  /** Further keys of `federation`. */
  readonly federation?: object
  /** Further sections of the configuration. */
  readonly top?: object
  /** Of the provider's Kamailio. */
  readonly kamailio?: Partial<KamailioOptions>
  /** Of the home's. */
  readonly homeKamailio?: Partial<KamailioOptions>
  /** What the provider's certificate names; its access edge alone, unless told. */
  readonly edgeNames?: readonly [string, ...string[]]
  readonly env?: Readonly<Record<string, string>>
  /** What DNS knows besides the access edge. */
  readonly zone?: Zone
  /** Where the access edge is said to be; where Kamailio is, unless told. */
  readonly edgePorts?: (tlsPort: number) => readonly number[]
  /** An XMPP partner beside it, with juliet@xmpp.example. */
  readonly xmpp?: { readonly provider?: object }
}

export interface SipFederation extends AsyncDisposable {
  readonly authority: Authority
  readonly provider: Kamailio
  readonly home: Kamailio
  readonly dns: DnsServer
  readonly gateway: Dragoman
  readonly prosody: Prosody | undefined
  /** Inside, UDP and TCP; outside, TLS. */
  readonly ports: { readonly inside: number; readonly tls: number }
  readonly config: object
  /** A user agent that is registered at the home server. */
  readonly romeo: SipUserAgent
  /** One at the provider. */
  readonly paris: SipUserAgent
  /** Somebody's certificate from the same authority. */
  identity(name: string): TlsIdentity
  /** The same configuration with other keys of the provider's row. */
  with(provider: object, federation?: object): object
}

export const SECRET = { DRAGOMAN_PROSODY_SECRET: 'capulet' }

/**
 * Romeo behind a Kamailio home server, Dragoman, and Paris behind a Kamailio that is the access edge of a SIP provider: TLS
 * both ways, found by DNS. Juliet's XMPP server beside it, if wanted.
 */
export async function startSipFederation(options: SipFederationOptions = {}): Promise<SipFederation> {
  const { inside: transport = 'udp' } = options
  const started: AsyncDisposable[] = []
  const use = async <T extends AsyncDisposable>(starting: Promise<T>): Promise<T> => {
    const peer = await starting
    started.push(peer)
    return peer
  }
  const end = async (): Promise<void> => {
    for (const peer of started.reverse()) await peer[Symbol.asyncDispose]()
  }
  try {
    const authority = new Authority('Test authority')
    const [tls] = (await freePorts(1)) as [number]
    const inside = await freePort()
    const directory = await use(tempDir('federation'))
    const files = {
      cert: join(directory.path, 'gateway.pem'),
      key: join(directory.path, 'gateway.key'),
      ca: join(directory.path, 'ca.pem'),
    }
    const own = identityOf(authority, GATEWAY)
    await Promise.all([
      writeFile(files.cert, own.cert),
      writeFile(files.key, own.key),
      writeFile(files.ca, own.ca),
    ])

    const [home, provider, prosody] = await Promise.all([
      use(
        startKamailio({
          domain: 'sip.example',
          users: [{ name: 'romeo' }, { name: 'mercutio' }],
          gateway: { port: inside, transport },
          ...options.homeKamailio,
        }),
      ),
      use(
        startKamailio({
          domain: 'provider.example',
          users: [{ name: 'paris' }, { name: 'rosaline' }],
          gateway: { port: tls, transport: 'tls', name: GATEWAY },
          tls: { ...identityOf(authority, ...(options.edgeNames ?? [EDGE])), name: EDGE },
          ...options.kamailio,
        }),
      ),
      options.xmpp === undefined
        ? undefined
        : use(
            startProsody({
              host: 'xmpp.example',
              users: [{ name: 'juliet', password: 'balcony' }],
              components: [{ domain: 'sip.example', secret: SECRET.DRAGOMAN_PROSODY_SECRET }],
            }),
          ),
    ])
    const edgePorts = options.edgePorts?.(provider.tlsPort) ?? [provider.tlsPort]
    const dns = await use(
      startDnsServer({
        [EDGE]: { A: ['127.0.0.1'] },
        [`_sips._tcp.${EDGE}`]: {
          SRV: edgePorts.map((port, priority) => ({ priority, port, target: EDGE })),
        },
        ...options.zone,
      }),
    )
    const build = (row: object = {}, federation: object = {}): object => ({
      log: { level: 'debug', format: 'json' },
      ...options.top,
      dns: { servers: [{ address: dns.address, port: dns.port }] },
      sip: {
        listeners: [
          ...(['udp', 'tcp'] as const).map((each) => ({
            name: `inside-${each}`,
            transport: each,
            address: '127.0.0.1',
            port: inside,
            side: 'inside',
          })),
          {
            name: 'outside',
            transport: 'tls',
            address: '127.0.0.1',
            port: tls,
            side: 'outside',
            advertise: GATEWAY,
          },
        ],
        tls: { certificates: [{ name: GATEWAY, cert: files.cert, key: files.key }], ca: files.ca },
      },
      xmpp: { reconnect: { first: '200ms', ceiling: '1s' } },
      federation: {
        homes: [
          {
            name: 'main',
            nextHop: `sip:127.0.0.1:${home.port};transport=${transport}`,
            ...options.home,
          },
        ],
        servedDomains: [
          { name: 'sip.example', home: 'main', ...(prosody === undefined ? {} : { links: ['prosody'] }) },
        ],
        providers: [
          {
            name: 'Provider',
            type: 'partner',
            protocol: 'sip',
            verification: 'all',
            domains: ['provider.example'],
            accessEdges: [EDGE],
            ...options.provider,
            ...row,
          },
          ...(prosody === undefined
            ? []
            : [
                {
                  name: 'Example XMPP',
                  type: 'partner',
                  protocol: 'xmpp',
                  verification: 'all',
                  domains: ['xmpp.example'],
                  link: 'prosody',
                  ...options.xmpp?.provider,
                },
              ]),
        ],
        ...(prosody === undefined
          ? {}
          : {
              links: [
                {
                  name: 'prosody',
                  kind: 'component',
                  host: '127.0.0.1',
                  port: prosody.componentPort,
                  domain: 'sip.example',
                  secret: { env: 'DRAGOMAN_PROSODY_SECRET' },
                  remote: ['xmpp.example'],
                },
              ],
            }),
        ...options.federation,
        ...federation,
      },
    })
    const config = build()
    const gateway = await use(startDragoman({ config, env: { ...SECRET, ...options.env } }))
    const romeo = await use(
      startSipUserAgent({ uri: ROMEO, users: 'own', nextHop: { port: home.port, transport } }),
    )
    const paris = await use(startSipUserAgent({ uri: PARIS, users: 'own', nextHop: { port: provider.port } }))
    const registered = [await romeo.register(), await paris.register()].map(({ status }) => status)
    if (registered.join() !== '200,200') throw new Error(`registration: ${registered.join()}`)
    return {
      ...{ authority, provider, home, dns, gateway, prosody, config, romeo, paris },
      ports: { inside, tls },
      identity: (name) => identityOf(authority, name),
      with: build,
      [Symbol.asyncDispose]: end,
    }
  } catch (error) {
    await end()
    throw error
  }
}
