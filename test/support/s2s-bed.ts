import { Authority, written } from './certificates.ts'
import { type DnsServer, startDnsServer } from './dns-server.ts'
import { type Dragoman, startDragoman } from './dragoman.ts'
import { type Ejabberd, startEjabberd } from './ejabberd.ts'
import { identityOf } from './identity.ts'
import { freePorts } from './ports.ts'
import { type Prosody, startProsody } from './prosody.ts'
import type { S2sSecurity } from './s2s-settings.ts'
import { s2sZone } from './s2s-zone.ts'
import { type SipUserAgent, startSipUserAgent } from './sip-user-agent.ts'
import { startXmppClient, type XmppClient } from './xmpp-client.ts'

/** Ours, which speaks XMPP to other servers itself, and theirs. */
export const OWN = 'sip.example'
export const OTHER = 'xmpp.example'
export const ROMEO = `romeo@${OWN}`
export const JULIET = `juliet@${OTHER}`
const PASSWORD = 'balcony'

export interface FederatedGateway extends AsyncDisposable {
  readonly gateway: Dragoman
  readonly dns: DnsServer
  readonly authority: Authority
  /** `own.pem` and `own.key`, likewise of the domains in `also` by their names, and `ca.pem`. */
  readonly files: Awaited<ReturnType<typeof written>>
  /** Romeo, whose user agent is its own home server. */
  readonly romeo: SipUserAgent
  /** Inside over SIP; outside for other servers, by STARTTLS and direct TLS. */
  readonly ports: { readonly sip: number; readonly s2s: number; readonly direct: number }
  readonly config: { readonly federation: Readonly<Record<string, unknown>> } & Readonly<
    Record<string, unknown>
  >
  /** The row of the other domain's provider. */
  readonly provider: object
  /** With other keys in that row. */
  configWith(provider: object): object
}

export interface FederatedGatewayOptions {
  /** Keys of the provider's row; its level is `all` unless told. */
  readonly provider?: object
  /** Keys of `xmpp.s2s`. */
  readonly s2s?: object
  /** Further keys of `federation`, and sections. */
  readonly federation?: object
  readonly top?: object
  /** `direct`: DNS tells of direct TLS alone; both unless told. */
  readonly published?: 'starttls' | 'direct'
  readonly authority?: Authority
  /** Further domains of ours, each with a certificate of its own. */
  readonly also?: readonly string[]
}

/** Dragoman with a domain that federates by itself, DNS, and Romeo inside. */
export async function startFederatedGateway(
  options: FederatedGatewayOptions = {},
): Promise<FederatedGateway> {
  const { authority = new Authority('Test authority'), also = [] } = options
  const [sip, s2s, direct] = (await freePorts(3)) as [number, number, number]
  const owned: AsyncDisposable[] = []
  const use = <T extends AsyncDisposable>(thing: T): T => {
    owned.unshift(thing)
    return thing
  }
  const end = async (): Promise<void> => {
    for (const each of owned) await each[Symbol.asyncDispose]()
  }
  try {
    const dns = use(
      await startDnsServer(
        s2sZone({
          [OWN]: {
            host: 'localhost',
            ...(options.published === 'direct' ? {} : { port: s2s }),
            ...(options.published === 'starttls' ? {} : { directPort: direct }),
          },
        }),
      ),
    )
    const issued = (domain: string) =>
      authority.issue({ commonName: domain, dns: [domain], purposes: ['server', 'client'] })
    const certificates = { own: issued(OWN), ...Object.fromEntries(also.map((each) => [each, issued(each)])) }
    const files = use(await written({ ...certificates, 'ca.pem': authority.pem }))
    const romeo = use(await startSipUserAgent({ uri: `sip:${ROMEO}`, nextHop: { port: sip } }))
    const provider = {
      ...{ name: 'Capulet', type: 'partner', protocol: 'xmpp', verification: 'all', domains: [OTHER] },
      link: 'internet',
      ...options.provider,
    }
    const configWith = (row: object) => ({
      log: { level: 'debug', format: 'json' },
      dns: { servers: [dns].map(({ address, port }) => ({ address, port })) },
      sip: {
        listeners: [{ name: 'inside', transport: 'udp', address: '127.0.0.1', port: sip, side: 'inside' }],
      },
      xmpp: {
        tls: {
          certificates: Object.keys(certificates).map((name) => ({
            ...{ name, cert: files.file(`${name}.pem`), key: files.file(`${name}.key`) },
          })),
          ca: files.file('ca.pem'),
        },
        s2s: {
          listeners: [
            { name: 's2s', address: '127.0.0.1', port: s2s },
            { name: 's2s-direct', address: '127.0.0.1', port: direct, tls: 'direct' },
          ],
          // DNS places everybody on loopback.
          privateAddresses: true,
          ...options.s2s,
        },
      },
      federation: {
        homes: [
          { name: 'main', nextHop: `sip:127.0.0.1:${romeo.port};transport=udp`, addresses: ['127.0.0.1'] },
        ],
        servedDomains: [OWN, ...also].map((name) => ({ name, home: 'main', links: ['internet'] })),
        links: [{ name: 'internet', kind: 's2s' }],
        providers: [{ ...provider, ...row }],
        ...options.federation,
      },
      // With a store there is a socket for commands.
      store: { sqlite: files.file('federation.db') },
      ...options.top,
    })
    const config = configWith({})
    const gateway = use(await startDragoman({ config }))
    return {
      ...{ gateway, dns, authority, files, romeo, config, provider, configWith },
      ports: { sip, s2s, direct },
      [Symbol.asyncDispose]: end,
    }
  } catch (error) {
    await end()
    throw error
  }
}

export interface RealPeerOptions extends FederatedGatewayOptions {
  readonly server: 'prosody' | 'ejabberd'
  readonly secure?: S2sSecurity
  readonly bidi?: boolean
  readonly directTls?: boolean
}

export interface Federated extends FederatedGateway {
  readonly server: Prosody | Ejabberd
  readonly juliet: XmppClient
}

/** A real XMPP server with Juliet on it, and a gateway; they find each other by DNS. */
export async function federatedWith(
  options: RealPeerOptions,
  scene: (world: Federated) => Promise<void>,
): Promise<void> {
  const { server: kind, secure = 'certificate', bidi = false, directTls = false } = options
  await using ours = await startFederatedGateway(options)
  const { dns, authority } = ours
  const settings = {
    host: OTHER,
    users: [{ name: 'juliet', password: PASSWORD }],
    s2s: {
      ...{ dns, secure, bidi, directTls },
      ...(secure === 'certificate' ? { identity: identityOf(authority, OTHER) } : {}),
    },
  }
  await using server =
    kind === 'prosody' ? await startProsody({ ...settings, log: 'debug' }) : await startEjabberd(settings)
  const place = { port: server.s2sPort, ...(directTls ? { directPort: server.s2sDirectPort } : {}) }
  for (const [name, entry] of Object.entries(s2sZone({ [OTHER]: place }))) dns.set(name, entry)
  await using juliet = await startXmppClient({
    ...{ username: 'juliet', password: PASSWORD, domain: OTHER, port: server.c2sPort },
  })
  try {
    await scene({ ...ours, server, juliet })
  } catch (error) {
    console.error(`${ours.gateway.output().slice(-15_000)}\n${server.log().slice(-10_000)}`)
    throw error
  }
}
