import { Branches, branchOf } from './branches.ts'
import { Ledger } from './ledger.ts'
import { messageTemplate } from './message-template.ts'
import { DEAF_DOMAIN, type Load, type ProviderLoad, providerUser, sipUser } from './run.ts'
import { okTo, type SipPeer } from './sip-peer.ts'
import { sequenceIn, type Template } from './template.ts'
import type { Traffic } from './traffic.ts'
import { Window } from './window.ts'

/** Recipients at the edge that reads nothing. */
const DEAF = 64
const TWO = 0x32
const ONE = 0x31

/** SIP requests in, SIP requests out: each is checked off and answered where it arrives; its 2xx makes room for the next. */
export function sipToSip(load: Load, provider: ProviderLoad, from: SipPeer): Traffic {
  const inwards = load.direction === 'provider-to-home'
  const transport = inwards ? provider.transport : load.transport
  const window = new Window(load.outstanding, load.conversations)
  const ledger = new Ledger(load.conversations)
  const branches = new Branches()
  const templates = Array.from({ length: load.conversations }, (_, i) => {
    const [sender, recipient] = inwards ? [providerUser(i), sipUser(i)] : [sipUser(i), providerUser(i)]
    return messageTemplate({ transport, port: from.port, sender, recipient, bytes: load.requestBytes })
  })
  const unheard = Array.from({ length: DEAF }, (_, i) =>
    messageTemplate({
      ...{ transport, port: from.port, bytes: load.requestBytes, mark: '--' },
      ...{ sender: sipUser(i % load.conversations), recipient: `nobody${i}@${DEAF_DOMAIN}` },
    }),
  )
  let accepted = 0
  let duplicates = 0
  let retransmissions = 0
  let refused = 0
  let refusal: string | undefined
  let arrived = 0
  let bytes = 0
  let disturbances = 0

  const write = (sequence: number): void =>
    from.send((templates[sequence % load.conversations] as Template).stamp(sequence))

  return {
    window,
    get done() {
      return accepted
    },
    get underWay() {
      return window.open > 0 || ledger.delivered < accepted
    },
    async prepare() {},
    fill() {
      window.fill(write, (sequence) => ledger.excuse(sequence))
    },
    repeat(now) {
      // RFC 3261 §17.1.2.2: over a reliable transport nothing is repeated.
      if (transport !== 'udp') return
      window.overdue(now, (sequence) => {
        retransmissions++
        write(sequence)
      })
    },
    disturb() {
      if (inwards) return
      const template = unheard[disturbances % DEAF] as Template
      from.send(template.stamp(disturbances++))
    },
    stanza() {},
    sip(text, at, body, to, reply) {
      if (text.startsWith('SIP/2.0 ', at)) response(text, at, to)
      else request(text, at, body, to, reply)
    },
    books: () => ({
      requestBytes: bytes / arrived,
      lost: ledger.lost(window.next),
      duplicates,
      outOfOrder: ledger.outOfOrder,
      retransmissions,
      refused,
      ...(refusal === undefined ? {} : { refusal }),
    }),
  }

  function response(text: string, at: number, to: number): void {
    const sequence = sequenceIn(text, at, to)
    const status = text.charCodeAt(at + 8)
    if (sequence < 0 || status === ONE || !window.finish(sequence, performance.now())) return
    if (status === TWO) accepted++
    else {
      refused++
      refusal ??= text.slice(at, text.indexOf('\r\n\r\n', at))
      ledger.excuse(sequence)
    }
  }

  function request(text: string, at: number, body: number, to: number, reply: (bytes: Buffer) => void): void {
    reply(Buffer.from(okTo(text, at, body), 'latin1'))
    const sequence = text.startsWith('MESSAGE ', at) ? sequenceIn(text, body, to) : -1
    if (sequence < 0) return
    arrived++
    bytes += to - at
    const branch = branchOf(text, at, body)
    if (ledger.arrive(sequence)) branches.keep(sequence, branch)
    else if (branches.isKept(sequence, branch)) retransmissions++
    else duplicates++
  }
}
