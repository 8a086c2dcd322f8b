import { Ledger } from './ledger.ts'
import { messageTemplate } from './message-template.ts'
import { type Load, sipUser, xmppUser } from './run.ts'
import type { SipPeer } from './sip-peer.ts'
import { sequenceIn, type Template } from './template.ts'
import type { Traffic } from './traffic.ts'
import { Window } from './window.ts'

/** SIP requests in, stanzas out: each 2xx makes room for the next request, each stanza is checked off. */
export function sipToXmpp(load: Load, sip: SipPeer): Traffic {
  const window = new Window(load.outstanding, load.conversations)
  const ledger = new Ledger(load.conversations)
  const templates = Array.from({ length: load.conversations }, (_, i) =>
    messageTemplate({
      ...{ transport: load.transport, port: sip.port, bytes: load.requestBytes },
      ...{ sender: sipUser(i), recipient: xmppUser(i) },
    }),
  )
  let accepted = 0
  let duplicates = 0
  let retransmissions = 0
  let refused = 0
  let refusal: string | undefined

  const write = (sequence: number): void =>
    sip.send((templates[sequence % load.conversations] as Template).stamp(sequence))

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
      if (load.transport === 'tcp') return
      window.overdue(now, (sequence) => {
        retransmissions++
        write(sequence)
      })
    },
    stanza(text, from, to) {
      const sequence = sequenceIn(text, from)
      if (sequence < 0) refusal ??= text.slice(from, to)
      else if (!ledger.arrive(sequence)) duplicates++
    },
    sip(text, from) {
      if (!text.startsWith('SIP/2.0 ', from)) return
      const sequence = sequenceIn(text, from)
      const status = text.charCodeAt(from + 8)
      if (sequence < 0 || status === ONE || !window.finish(sequence, performance.now())) return
      if (status === TWO) accepted++
      else {
        refused++
        refusal ??= text.slice(from, text.indexOf('\r\n\r\n', from))
        ledger.excuse(sequence)
      }
    },
    books: () => ({
      requestBytes: (templates[0] as Template).bytes.length,
      lost: ledger.lost(window.next),
      duplicates,
      outOfOrder: ledger.outOfOrder,
      retransmissions,
      refused,
      ...(refusal === undefined ? {} : { refusal }),
    }),
  }
}

const ONE = 0x31
const TWO = 0x32
