import { edgeOf, type Load, type Ports, type ProviderLoad, SIP_DOMAIN } from './run.ts'
import { type OnMessage, type SipPeer, sipPeer } from './sip-peer.ts'
import { sipToSip } from './sip-to-sip.ts'
import { sipToXmpp } from './sip-to-xmpp.ts'
import { tlsPeer } from './tls-peer.ts'
import type { Traffic } from './traffic.ts'
import { trouble } from './trouble.ts'
import { XmppServer } from './xmpp-server.ts'
import { xmppToSip } from './xmpp-to-sip.ts'

/** Both neighbours of the gateway, and the traffic between them. */
export interface Neighbours {
  readonly ports: Ports
  readonly traffic: Traffic
  /** Resolves when the gateway can be sent something; it runs when this is asked. */
  connected(): Promise<void>
  /** Of the peers that are a nuisance, where there are some, the next. */
  annoy?(): void
  flush(): void
  close(): void
}

/** How long the gateway may take to attach itself. */
const ATTACH_MS = 15_000

export const neighbours = (load: Load, wake: () => void): Promise<Neighbours> =>
  load.provider === undefined ? withXmpp(load, wake) : withProvider(load, load.provider, wake)

async function withXmpp(load: Load, wake: () => void): Promise<Neighbours> {
  if (load.transport === 'tls') throw new Error('no TLS between the home server and XMPP')
  let attach = (): void => {}
  const attached = new Promise<void>((resolve) => {
    attach = resolve
  })
  let traffic: Traffic | undefined
  const xmpp = new XmppServer(SIP_DOMAIN, {
    up: () => attach(),
    message(text, from, to) {
      traffic?.stanza(text, from, to)
      wake()
    },
  })
  const sip = await sipPeer(load.transport, load.gatewayPort, (text, from, body, to, reply) => {
    traffic?.sip(text, from, body, to, reply)
    wake()
  })
  traffic = load.direction === 'xmpp-to-sip' ? xmppToSip(load, xmpp) : sipToXmpp(load, sip)
  return {
    ports: { xmppPort: await xmpp.listen(), sipPort: sip.port, providerPort: 0, deafPort: 0 },
    traffic,
    async connected() {
      const late = new Promise<never>((_resolve, reject) => {
        setTimeout(
          () => reject(new Error('the gateway did not attach itself to the XMPP server')),
          ATTACH_MS,
        ).unref()
      })
      await Promise.race([attached, late])
    },
    flush() {
      xmpp.flush()
      sip.flush()
    },
    close() {
      xmpp.close()
      sip.close()
    },
  }
}

async function withProvider(load: Load, provider: ProviderLoad, wake: () => void): Promise<Neighbours> {
  let traffic: Traffic | undefined
  const onMessage: OnMessage = (text, from, body, to, reply) => {
    traffic?.sip(text, from, body, to, reply)
    wake()
  }
  const servername = edgeOf(SIP_DOMAIN)
  const inwards = load.direction === 'provider-to-home'
  const home: SipPeer =
    load.transport === 'tls'
      ? await tlsPeer(
          {
            ...{ files: provider.homeFiles, remotePort: load.gatewayPort, servername },
            connections: inwards ? 0 : 1,
          },
          onMessage,
        )
      : await sipPeer(load.transport, load.gatewayPort, onMessage)
  const outside: SipPeer =
    provider.transport === 'udp'
      ? await sipPeer('udp', provider.gatewayPort, onMessage)
      : await tlsPeer(
          {
            ...{ files: provider.files, remotePort: provider.gatewayPort, servername },
            connections: inwards ? provider.connections : 0,
          },
          onMessage,
        )
  const nuisance = provider.trouble > 0 ? await trouble(provider) : undefined
  traffic = sipToSip(load, provider, inwards ? outside : home)
  return {
    ports: {
      ...{ xmppPort: 0, sipPort: home.port, providerPort: outside.port },
      deafPort: nuisance?.deafPort ?? 0,
    },
    traffic,
    async connected() {
      await home.open?.()
      await outside.open?.()
      nuisance?.open()
    },
    ...(nuisance !== undefined && { annoy: () => nuisance.step() }),
    flush() {
      home.flush()
      outside.flush()
    },
    close() {
      nuisance?.close()
      home.close()
      outside.close()
    },
  }
}
