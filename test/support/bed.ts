import { type Dragoman, gatewayConfig, startDragoman } from './dragoman.ts'
import { type Prosody, startProsody } from './prosody.ts'
import { type SipUserAgent, startSipUserAgent } from './sip-user-agent.ts'
import { startXmppClient, type XmppClient } from './xmpp-client.ts'

export const ROMEO = 'romeo@sip.example'
export const JULIET = 'juliet@xmpp.example'
export const SECRET = 'capulet'

export interface Bed {
  readonly prosody: Prosody
  readonly gateway: Dragoman
  /** The user agent that plays Romeo's home server. */
  readonly romeo: SipUserAgent
  readonly juliet: XmppClient
  readonly sipPort: number
  readonly enabled: object
  /** The configuration with the provider disabled. */
  readonly disabled: object
  send(body: string): ReturnType<SipUserAgent['message']>
}

export interface BedOptions {
  /** Between the home server and Dragoman; UDP unless told. */
  readonly transport?: 'udp' | 'tcp'
  /** Where the home server is, when it is not Romeo's user agent. */
  readonly homePort?: number
  readonly congestionSafePath?: boolean
  /** Accounts besides Juliet's. */
  readonly others?: readonly string[]
  /** What the gateway starts with instead of the usual configuration. */
  readonly configure?: (config: object) => object
}

/** Juliet on Prosody, Romeo's home server played by sip.js, Dragoman between them, the component link up. */
export async function onBed(options: BedOptions, scene: (bed: Bed) => Promise<void>): Promise<void> {
  const transport = options.transport ?? 'udp'
  await using prosody = await startProsody({
    host: 'xmpp.example',
    users: ['juliet', ...(options.others ?? [])].map((name) => ({ name, password: 'balcony' })),
    components: [{ domain: 'sip.example', secret: SECRET }],
  })
  await using romeo = await startSipUserAgent({ uri: `sip:${ROMEO}` })
  const settings = await gatewayConfig({
    componentPort: prosody.componentPort,
    homePort: options.homePort ?? romeo.port,
    homeTransport: transport,
    congestionSafePath: options.congestionSafePath ?? false,
  })
  const { sipPort } = settings
  await using gateway = await startDragoman({
    config: options.configure?.(settings.config) ?? settings.config,
    env: { DRAGOMAN_PROSODY_SECRET: SECRET },
  })
  await prosody.line(/External component successfully authenticated/)
  await using juliet = await logIn(prosody)
  try {
    await scene({
      prosody,
      gateway,
      romeo,
      juliet,
      sipPort,
      enabled: settings.config,
      disabled: settings.with({ providerEnabled: false }),
      send: (body) =>
        romeo.message({
          to: `sip:${JULIET}`,
          body,
          nextHop: { host: '127.0.0.1', port: sipPort, transport },
        }),
    })
  } catch (error) {
    console.error(gateway.output().split('\n').slice(-30).join('\n'))
    throw error
  }
}

/** Juliet once more, or another. */
export function logIn(prosody: Prosody, username = 'juliet'): Promise<XmppClient> {
  const { c2sPort: port, host: domain } = prosody
  return startXmppClient({ port, domain, username, password: 'balcony' })
}
