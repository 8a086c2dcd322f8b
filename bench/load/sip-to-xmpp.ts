import { Ledger } from './ledger.ts'
import { type Load, sipUser, xmppUser } from './run.ts'
import type { SipPeer } from './sip-peer.ts'
import { MARK, SEQUENCE, sequenceIn, Template, textOf } from './template.ts'
import type { Traffic } from './traffic.ts'
import { Window } from './window.ts'

/** Before the sequence number in the branch: shows that a response is ours, and where its number is. */
const BRANCH = `z9hG4bK${MARK}`

/** SIP requests in, stanzas out: each 2xx makes room for the next request, each stanza is checked off. */
export function sipToXmpp(load: Load, sip: SipPeer): Traffic {
  const window = new Window(load.outstanding, load.conversations)
  const ledger = new Ledger(load.conversations)
  const templates = requests(load, sip.port)
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

function requests(load: Load, port: number): readonly Template[] {
  const via = load.transport.toUpperCase()
  return Array.from({ length: load.conversations }, (_, i) => {
    const head = (length: number): string =>
      `MESSAGE sip:${xmppUser(i)} SIP/2.0\r\n` +
      `Via: SIP/2.0/${via} 127.0.0.1:${port};branch=${BRANCH}${SEQUENCE};rport\r\n` +
      'Max-Forwards: 70\r\n' +
      `From: <sip:${sipUser(i)}>;tag=f${SEQUENCE}\r\n` +
      `To: <sip:${xmppUser(i)}>\r\n` +
      `Call-ID: ${SEQUENCE}@127.0.0.1\r\n` +
      'CSeq: 1 MESSAGE\r\n' +
      'Content-Type: text/plain\r\n' +
      `Content-Length: ${String(length).padStart(3, '0')}\r\n\r\n`
    const length = Math.max(30, load.requestBytes - head(0).length)
    return new Template(head(length) + textOf(length))
  })
}
