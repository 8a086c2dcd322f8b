import type { PresenceLimits } from '../../interworking/presence/limits.ts'
import { readNotify } from '../../interworking/presence/notify.ts'
import { ACCEPT_CATEGORIES } from '../../interworking/presence/package.ts'
import { type ContactState, NO_RESOURCES } from '../../interworking/presence/state.ts'
import { ok, type Result } from '../../kernel/result.ts'
import type { Hops, Sending } from '../../sip/events/carry.ts'
import type { Subscription, Unread } from '../../sip/events/subscription.ts'
import type { HeaderField } from '../../sip/headers.ts'
import type { SipRequest } from '../../sip/message.ts'
import type { SipUri } from '../../sip/uri.ts'
import { parseUri } from '../../sip/uri-parse.ts'
import type { People } from './people.ts'
import type { Watch } from './watch.ts'
import type { Ways } from './ways.ts'

export interface AskingOptions {
  readonly people: People
  readonly ways: Ways
  readonly documents: PresenceLimits
}

/** What our SUBSCRIBEs are made of, and what NOTIFYs hold. */
export class Asking {
  readonly #options: AskingOptions

  constructor(options: AskingOptions) {
    this.#options = options
  }

  hops({ data }: Subscription<Watch>): Hops {
    return this.#options.ways.to(data.home)
  }

  sending({ data }: Subscription<Watch>): Sending | undefined {
    return this.#options.ways.sending(data.home)
  }

  fields({ data: watch, dialog, id }: Subscription<Watch>): readonly HeaderField[] {
    const { people, ways } = this.#options
    const resolved = people.resolve(watch.pair)
    // Whoever is carried by no link any more can still leave.
    const own = resolved === undefined ? parseUri(dialog.localUri) : ok(resolved.uri)
    return [
      ...(own.ok ? ways.fields(own.value as SipUri, id, watch.home) : []),
      ACCEPT_CATEGORIES,
      ...(resolved === undefined ? [] : ways.mark(resolved, watch.home)),
    ]
  }

  read(notify: SipRequest, { data, status }: Subscription<Watch>): Result<ContactState | undefined, Unread> {
    // What an earlier subscription brought is no ground for changes.
    const known = status === undefined ? undefined : data.known
    const notice = readNotify(notify, known ?? NO_RESOURCES, this.#options.documents)
    return notice.ok ? ok(notice.value.presence) : notice
  }
}
