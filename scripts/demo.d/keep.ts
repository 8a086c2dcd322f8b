import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dragoman } from '../../test/support/dragoman.ts'
import { freePort, freePorts } from '../../test/support/ports.ts'
import { run } from '../../test/support/process.ts'
import type { Prosody } from '../../test/support/prosody.ts'
import { ROOT } from '../../test/support/root.ts'
import type { Hop, ReceivedSipMessage, SipUserAgent } from '../../test/support/sip-user-agent.ts'
import { writePhone } from '../../test/support/softphone.ts'

/** What --keep adds for guests: an account, direct TLS for clients that insist on it, a place for a softphone. */
export interface Offer {
  readonly account: { readonly name: string; readonly password: string }
  readonly tlsPort: number | undefined
  readonly phonePort: number
  /** Lines for Prosody's configuration. */
  readonly prosody: string
}

const GUEST = { name: 'nurse', password: 'poppy' }
const PHONE = 'mercutio@sip.example'

export async function offerJoining(directory: string): Promise<Offer> {
  const tlsPort = await freePort()
  const [phonePort] = await freePorts(2)
  const [key, certificate] = [join(directory, 'xmpp.example.key'), join(directory, 'xmpp.example.crt')]
  const subject = ['-subj', '/CN=xmpp.example', '-addext', 'subjectAltName=DNS:xmpp.example']
  const made = await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', ...subject],
    ...['-keyout', key, '-out', certificate],
  ])
  const tls = made.code === 0
  return {
    account: GUEST,
    tlsPort: tls ? tlsPort : undefined,
    phonePort: phonePort as number,
    prosody: tls
      ? `c2s_direct_tls_ports = { ${tlsPort} }\nssl = { key = "${key}", certificate = "${certificate}" }`
      : '',
  }
}

export interface Running {
  readonly offer: Offer
  readonly prosody: Prosody
  readonly gateway: Dragoman
  readonly romeo: SipUserAgent
  /** Dragoman's inside listener. */
  readonly hop: Hop
  readonly config: string
}

/**
 * Makes romeo answer every text, and stand as the home server's proxy for the softphone: what is for its address goes
 * on to the phone's port. Returns how to join.
 */
export async function joining({ offer, prosody, gateway, romeo, hop, config }: Running): Promise<string> {
  const phone: Hop = { host: '127.0.0.1', port: offer.phonePort, transport: 'udp' }
  romeo.answer(async (message) => {
    if (message.requestUri.startsWith(`sip:${PHONE}`)) return (await relay(romeo, message, phone)).status
    setTimeout(() => void reply(romeo, message, hop), 100)
    return 200
  })
  const tls =
    offer.tlsPort === undefined
      ? ''
      : `, or port ${offer.tlsPort} with direct TLS (own certificate: accept it)`
  return `
Everything keeps running. The provider is enabled again.

XMPP client   address ${offer.account.name}@${prosody.host}, password ${offer.account.password}
              server 127.0.0.1, port ${prosody.c2sPort} without TLS${tls}
              Write to romeo@sip.example: he answers. Write to ${PHONE}: the softphone.

Softphone     address ${PHONE}, no registration, no password
              listens on 127.0.0.1 port ${offer.phonePort} (UDP), outbound proxy sip:127.0.0.1:${hop.port};transport=udp
              Write to ${offer.account.name}@${prosody.host}, or juliet@${prosody.host}.
              ${await baresip(offer, hop)}

Dragoman      process ${gateway.pid}, configuration ${config}
              Change it, then: kill -HUP ${gateway.pid}

Stop it all   Ctrl-C here, or: kill ${process.pid}
`
}

/** A ready configuration where baresip is installed. */
async function baresip(offer: Offer, hop: Hop): Promise<string> {
  const installed = await run('sh', ['-c', 'command -v baresip'])
  if (installed.code !== 0) return 'With baresip: apt-get install baresip-core, and start this demo again'
  const directory = join(ROOT, '.demo/softphone')
  await mkdir(directory, { recursive: true })
  await writePhone(directory, {
    uri: `sip:${PHONE}`,
    port: offer.phonePort,
    proxy: { port: hop.port },
    contact: `sip:${offer.account.name}@xmpp.example`,
    console: ['module stdio.so'],
  })
  return 'With baresip: baresip -f .demo/softphone, then type: /message Hello'
}

/** Resolves when it is told to stop. */
export async function keepRunning(text: string): Promise<void> {
  console.log(text)
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => undefined, 60_000)
    const stop = (): void => {
      clearInterval(timer)
      resolve()
    }
    process.once('SIGINT', stop).once('SIGTERM', stop)
  })
}

function relay(romeo: SipUserAgent, message: ReceivedSipMessage, nextHop: Hop) {
  const { requestUri, from, body, contentType, callId } = message
  return romeo.message({ to: requestUri, from, body, contentType, callId, nextHop })
}

async function reply(romeo: SipUserAgent, message: ReceivedSipMessage, nextHop: Hop): Promise<void> {
  const answer = await romeo.message({
    to: message.from,
    from: message.to,
    body: `You wrote: ${message.body}`,
    nextHop,
  })
  console.log(`   ${message.from} wrote to ${message.to}: ${message.body} (answer: ${answer.status})`)
}
