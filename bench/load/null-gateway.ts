/**
 * In the gateway's place, with its configuration and its ready line, but without its work: no parsing, no filter, no
 * transactions. What the load generator reaches against it is the generator's own ceiling (and this program's).
 */
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { parse } from 'yaml'
import { okTo, sipPeer } from './sip-peer.ts'
import { SEQUENCE, sequenceIn, Template } from './template.ts'

interface Configuration {
  readonly sip: { readonly listeners: readonly { readonly transport: string; readonly port: number }[] }
  readonly federation: {
    readonly homes: readonly { readonly nextHop: string }[]
    readonly links: readonly { readonly port: number; readonly domain: string }[]
  }
}

const file = process.argv[process.argv.indexOf('--config') + 1] ?? ''
const config = parse(readFileSync(file, 'utf8')) as Configuration
const [, homePort, transport] =
  /:(\d+);transport=(udp|tcp)$/.exec(config.federation.homes[0]?.nextHop ?? '') ?? []
const listenPort = config.sip.listeners.find((listener) => listener.transport === transport)?.port ?? 0
const link = config.federation.links[0]
if (link === undefined || homePort === undefined)
  throw new Error(`${file}: not a configuration of the benchmark`)

const REQUEST_HEAD =
  'MESSAGE sip:romeo@sip.example SIP/2.0\r\n' +
  `Via: SIP/2.0/UDP 127.0.0.1:${listenPort};branch=z9hG4bK${SEQUENCE}\r\n` +
  'Max-Forwards: 70\r\nFrom: <sip:juliet@xmpp.example;gr=phone>;tag=1\r\nTo: <sip:romeo@sip.example>\r\n' +
  `Call-ID: ${SEQUENCE}\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\n`
const BODY = 600 - REQUEST_HEAD.length - 'Content-Length: 123\r\n\r\n'.length
const request = new Template(
  `${REQUEST_HEAD}Content-Length: ${BODY}\r\n\r\n${`~~${SEQUENCE}~~`.padEnd(BODY, 'x')}`,
)
const stanza = new Template(
  `<message from='romeo@sip.example' to='juliet@xmpp.example'><body>${`~~${SEQUENCE}~~`.padEnd(250, 'x')}</body></message>`,
)

const sip = await sipPeer(
  transport === 'tcp' ? 'tcp' : 'udp',
  Number(homePort),
  (text, from, body, _to, reply) => {
    if (!text.startsWith('MESSAGE ', from)) return
    stanzas.push(Buffer.from(stanza.stamp(sequenceIn(text, body))))
    reply(Buffer.from(okTo(text, from, body), 'latin1'))
    wake()
  },
  listenPort,
)

/** Collects what one turn of the loop writes to the XMPP server. */
let stanzas: Buffer[] = []
let awake = false
const toXmpp: Socket = connect(link.port, '127.0.0.1')
let rest = ''
let ready = false
toXmpp.write(
  `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${link.domain}'>`,
)
toXmpp.on('data', (bytes) => {
  const text = rest + bytes.toString('latin1')
  if (!ready) {
    if (!text.includes('<handshake/>')) {
      toXmpp.write('<handshake>0</handshake>')
      return
    }
    ready = true
    process.stdout.write('{"msg":"ready"}\n')
    return
  }
  let at = 0
  for (;;) {
    const end = text.indexOf('</message>', at)
    if (end < 0) break
    sip.send(Buffer.from(request.stamp(sequenceIn(text, at))))
    at = end + 10
    wake()
  }
  rest = text.slice(at)
})

function wake(): void {
  if (awake) return
  awake = true
  setImmediate(() => {
    awake = false
    if (stanzas.length > 0) toXmpp.write(Buffer.concat(stanzas))
    stanzas = []
    sip.flush()
  })
}

process.on('SIGTERM', () => process.exit(0))
