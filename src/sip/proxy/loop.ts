import { Fingerprints } from '../../kernel/fingerprint.ts'
import type { Random } from '../../kernel/random.ts'
import type { SipRequest } from '../message.ts'
import { param } from '../scan.ts'
import { sentByOf } from '../transaction/matching.ts'
import { uriText } from '../uri-write.ts'
import { parseVia } from '../via.ts'

/**
 * Loop detection (RFC 5393 §4.2): the branch of a request that we pass on ends with a fingerprint of all that decides
 * its way. One that comes back the same, below a Via of ours, is looping; one that comes back changed is a spiral.
 */
export class LoopDetection {
  readonly #prints: Fingerprints
  readonly #own: () => ReadonlySet<string>

  /** @param own sent-by of each of our listeners */
  constructor(options: { random: Random; own: () => ReadonlySet<string> }) {
    this.#prints = new Fingerprints(options.random.token(24))
    this.#own = options.own
  }

  /** What the branch of this request, as it came in, ends with. */
  fingerprint(request: SipRequest): string {
    const { headers, uri } = request
    const tag = (side: 'from' | 'to'): string => param(headers[side]()?.params ?? [], 'tag') ?? ''
    const parts = [
      uriText(uri),
      tag('from'),
      tag('to'),
      headers.get('Call-ID') ?? '',
      String(headers.cseq()?.number),
      ...headers.all('Route'),
      ...headers.all('Proxy-Require'),
      ...headers.all('Proxy-Authorization'),
    ]
    return this.#prints.of(parts.join('\n')).text()
  }

  /** Has this request been here before, just as it is? */
  isLooping(request: SipRequest, fingerprint: string): boolean {
    const own = this.#own()
    for (const line of request.headers.all('Via')) {
      const vias = parseVia(line)
      if (!vias.ok) continue
      for (const via of vias.value) {
        if (own.has(sentByOf(via)) && param(via.params, 'branch')?.endsWith(`.${fingerprint}`)) return true
      }
    }
    return false
  }
}
