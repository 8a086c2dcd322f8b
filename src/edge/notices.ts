import type { Snapshot } from '../federation/snapshot.ts'
import { isNotice, noticeOf } from '../interworking/notice.ts'
import type { Random } from '../kernel/random.ts'
import { parseNameAddr } from '../sip/name-addr.ts'
import type { Element } from '../xmpp/xml/element.ts'
import type { Arrival } from './arrival.ts'
import type { Counters } from './counters.ts'
import type { SipLeg } from './sip-leg.ts'

export interface NoticesOptions {
  readonly snapshot: () => Snapshot
  readonly sip: SipLeg
  readonly random: Random
  readonly counters: Counters
}

/** Tells a SIP user of an error stanza that came after the 2xx had gone out. A notice never causes a notice. */
export class Notices {
  readonly #options: NoticesOptions

  constructor(options: NoticesOptions) {
    this.#options = options
  }

  tell(arrival: Arrival, error: Element): void {
    const { snapshot, sip, random, counters } = this.#options
    const sender = parseNameAddr(arrival.request.headers.get('From') ?? '')
    const served = snapshot().servedDomains.get(arrival.from.domain)
    const home = served === undefined ? undefined : snapshot().homes.get(served.home)
    if (isNotice(arrival.request) || !sender.ok || home === undefined) return
    const request = noticeOf(error, {
      recipient: arrival.request.uri,
      sender: sender.value.uri,
      callId: random.token(22),
      cseq: 1,
      fromTag: random.token(10),
    })
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
