import { JULIET, logIn, ROMEO, SECRET } from './bed.ts'
import { type Dragoman, gatewayConfig, startDragoman } from './dragoman.ts'
import { type Kamailio, type KamailioOptions, startKamailio } from './kamailio.ts'
import { freePort } from './ports.ts'
import { type Prosody, startProsody } from './prosody.ts'
import { type SipUserAgent, startSipUserAgent } from './sip-user-agent.ts'
import { type XmppClient, xml } from './xmpp-client.ts'

export { JULIET, ROMEO }

export interface KamailioBed {
  readonly home: Kamailio
  readonly prosody: Prosody
  readonly gateway: Dragoman
  /** Registered at Kamailio. */
  readonly romeo: SipUserAgent
  /** On Prosody, with her roster asked for. */
  readonly juliet: XmppClient
  /** Publishes a document for Romeo: the first time, or changes what that made. `etag`: of what there is; `expires` 0 removes it. */
  publish(document: string | undefined, options?: { etag?: string; expires?: number }): Promise<string>
  /** What anybody wrote down as a warning or worse. */
  complaints(): readonly string[]
}

export interface KamailioBedOptions {
  readonly kamailio?: Partial<KamailioOptions>
  readonly transport?: 'udp' | 'tcp'
  readonly env?: Readonly<Record<string, string>>
  /** Further keys of the home's row. */
  readonly row?: object
}

/** Romeo behind a Kamailio with a presence server, Juliet on Prosody, Dragoman between them. */
export async function onKamailio(
  options: KamailioBedOptions,
  scene: (bed: KamailioBed) => Promise<void>,
): Promise<void> {
  const transport = options.transport ?? 'udp'
  const sipPort = await freePort()
  await using prosody = await startProsody({
    host: 'xmpp.example',
    users: [{ name: 'juliet', password: 'balcony' }],
    components: [{ domain: 'sip.example', secret: SECRET }],
  })
  await using home = await startKamailio({
    domain: 'sip.example',
    users: [{ name: 'romeo' }, { name: 'mercutio' }],
    gateway: { port: sipPort, transport },
    ...options.kamailio,
  })
  const { config } = await gatewayConfig({
    componentPort: prosody.componentPort,
    homePort: home.port,
    homeTransport: transport,
    sipPort,
  })
  await using gateway = await startDragoman({
    config: withHome(config, options.row),
    env: { DRAGOMAN_PROSODY_SECRET: SECRET, ...options.env },
  })
  await prosody.line(/External component successfully authenticated/)
  await using romeo = await startSipUserAgent({
    uri: `sip:${ROMEO}`,
    users: 'own',
    nextHop: { port: home.port, transport },
  })
  await using juliet = await logIn(prosody)
  await askRoster(juliet)
  try {
    const { status } = await romeo.register()
    if (status !== 200) throw new Error(`REGISTER got ${status}`)
    await scene({
      ...{ home, prosody, gateway, romeo, juliet },
      async publish(document, { etag, expires = 3600 } = {}) {
        const answer = await romeo.request('PUBLISH', {
          to: `sip:${ROMEO}`,
          headers: [
            'Event: presence',
            `Expires: ${expires}`,
            ...(etag === undefined ? [] : [`SIP-If-Match: ${etag}`]),
          ],
          ...(document !== undefined && { body: { type: 'application/pidf+xml', text: document } }),
        })
        if (answer.status !== 200) throw new Error(`PUBLISH got ${answer.status} ${answer.reason}`)
        return answer.header('sip-etag') ?? ''
      },
      complaints: () => [
        ...gateway.log.all.filter(({ level = 0 }) => level >= 40).map((line) => JSON.stringify(line)),
        ...home
          .log()
          .split('\n')
          .filter((line) => /\b(ALERT|BUG|CRITICAL|ERROR|WARNING):/.test(line)),
        ...prosody
          .log()
          .split('\n')
          .filter((line) => /\b(error|warn)\b\t/.test(line)),
        ...romeo.errors,
      ],
    })
  } catch (error) {
    console.error(gateway.output().split('\n').slice(-30).join('\n'))
    console.error(home.log().split('\n').slice(-60).join('\n'))
    throw error
  }
}

/** Only whoever has asked for the roster is told of what changes it (RFC 6121 §2.1.6). */
export async function askRoster(client: XmppClient): Promise<void> {
  await client.iq(xml('iq', { type: 'get' }, xml('query', { xmlns: 'jabber:iq:roster' })))
}

/** The configuration with further keys of its only home. */
export function withHome(config: object, row: object = {}): object {
  const { federation } = config as { readonly federation: { readonly homes: readonly object[] } }
  return {
    ...config,
    federation: { ...federation, homes: federation.homes.map((home) => ({ ...home, ...row })) },
  }
}
