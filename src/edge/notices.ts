import type { Snapshot } from '../federation/snapshot.ts'
import { isNotice, noticeOf } from '../interworking/notice.ts'
import type { Random } from '../kernel/random.ts'
import type { Element } from '../xmpp/xml/element.ts'
import type { Arrival } from './arrival.ts'
import type { Counters } from './counters.ts'
import { homeOfUser } from './homes.ts'
import type { LoopGuard } from './loop-guard.ts'
import type { OwnTags } from './own-tags.ts'
import type { SipLeg } from './sip-leg.ts'

export interface NoticesOptions {
  readonly snapshot: () => Snapshot
  readonly sip: SipLeg
  /** So that a peer which sends the notice back is stopped like any other. */
  readonly loops: LoopGuard
  readonly random: Random
  readonly tags: OwnTags
  readonly counters: Counters
}

/** Tells a SIP user of an error stanza that came after the 2xx had gone out. A notice never causes a notice. */
export class Notices {
  readonly #options: NoticesOptions

  constructor(options: NoticesOptions) {
    this.#options = options
  }

  tell(arrival: Arrival, error: Element): void {
    const { snapshot, sip, loops, random, tags, counters } = this.#options
    const sender = arrival.request.headers.from()
    const home = homeOfUser(snapshot(), arrival.from)
    if (isNotice(arrival.request) || sender === undefined || home === undefined) return
    const request = noticeOf(error, {
      recipient: arrival.request.uri,
      sender: sender.uri,
      callId: random.token(22),
      cseq: 1,
      fromTag: tags.next(),
    })
    if (!loops.admit(arrival.to, arrival.from, request)) {
      counters.add('refused.loop')
      return
    }
    counters.add('notice.sent')
    sip.toHome(
      {
        kind: 'message',
        request,
        from: arrival.to,
        to: arrival.from,
        evidence: { kind: 'none' },
        end: (ending) => counters.add(`notice.${ending.kind}`),
      },
      home,
    )
  }
}
