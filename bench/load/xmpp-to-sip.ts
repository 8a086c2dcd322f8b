import { setTimeout as sleep } from 'node:timers/promises'
import { Branches, branchOf } from './branches.ts'
import { Ledger } from './ledger.ts'
import { type Load, sipUser, xmppUser } from './run.ts'
import { okTo } from './sip-peer.ts'
import { escapeXml, SEQUENCE, sequenceIn, Template, textOf } from './template.ts'
import type { Traffic } from './traffic.ts'
import { Window } from './window.ts'
import type { XmppServer } from './xmpp-server.ts'

/** The head of an average request; `prepare` corrects it by what really comes. */
const FIRST_GUESS = 230

/** Stanzas in, SIP requests out: each request is answered 200 and makes room for the next stanza. */
export function xmppToSip(load: Load, xmpp: XmppServer): Traffic {
  const window = new Window(load.outstanding, load.conversations)
  const ledger = new Ledger(load.conversations)
  const branches = new Branches()
  let templates: readonly Template[] = stanzas(load.conversations, FIRST_GUESS)
  let requests = 0
  let duplicates = 0
  let bytes = 0
  let lastBytes = 0
  let retransmissions = 0
  let refused = 0
  let refusal: string | undefined

  const send = (sequence: number): void => {
    xmpp.send((templates[sequence % load.conversations] as Template).stamp(sequence))
  }

  return {
    window,
    get done() {
      return ledger.delivered
    },
    get underWay() {
      return window.open > 0
    },
    async prepare() {
      let characters = FIRST_GUESS
      for (let n = 0; n < 2; n++) {
        send(window.start(performance.now()))
        for (let waited = 0; window.open > 0 && waited < 5000; waited += 10) await sleep(10)
        if (refusal !== undefined) throw new Error(`the first message was refused: ${refusal}`)
        if (window.open > 0) throw new Error('the first message did not cross within 5 s')
        characters += load.requestBytes - lastBytes
        templates = stanzas(load.conversations, characters)
      }
      requests = 0
      bytes = 0
    },
    fill() {
      window.fill(send, (sequence) => ledger.excuse(sequence))
    },
    repeat() {},
    /** The only stanzas that come this way are error bounces. */
    stanza(text, from, to) {
      const stanza = text.slice(from, to)
      const id = /\sid=["']m(\d{10})["']/.exec(stanza)?.[1]
      refused++
      refusal ??= stanza
      if (id === undefined) return
      ledger.excuse(Number(id))
      window.finish(Number(id), performance.now())
    },
    sip(text, from, body, to, reply) {
      if (!text.startsWith('MESSAGE ', from)) {
        // OPTIONS or the like: answered, not counted.
        if (!text.startsWith('SIP/2.0 ', from)) reply(Buffer.from(okTo(text, from, body), 'latin1'))
        return
      }
      const sequence = sequenceIn(text, body)
      reply(Buffer.from(okTo(text, from, body), 'latin1'))
      if (sequence < 0) return
      requests++
      lastBytes = to - from
      bytes += lastBytes
      const branch = branchOf(text, from, body)
      if (ledger.arrive(sequence)) {
        branches.keep(sequence, branch)
        window.finish(sequence, performance.now())
      } else if (load.transport === 'udp' && branches.isKept(sequence, branch)) retransmissions++
      else duplicates++
    },
    books: () => ({
      requestBytes: bytes / requests,
      lost: ledger.lost(window.next),
      duplicates,
      outOfOrder: ledger.outOfOrder,
      retransmissions,
      refused,
      ...(refusal === undefined ? {} : { refusal }),
    }),
  }
}

function stanzas(conversations: number, characters: number): readonly Template[] {
  const body = escapeXml(textOf(characters))
  return Array.from(
    { length: conversations },
    (_, i) =>
      new Template(
        `<message from='${xmppUser(i)}/phone' to='${sipUser(i)}' type='chat' id='m${SEQUENCE}'>` +
          `<body>${body}</body></message>`,
      ),
  )
}
