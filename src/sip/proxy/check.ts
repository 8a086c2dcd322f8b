import type { UasVerdict } from '../endpoint/uas.ts'
import type { SipRequest } from '../message.ts'

const PASS: UasVerdict = { kind: 'pass' }

const answer = (status: number, unsupported?: string): UasVerdict => ({
  kind: 'answer',
  status,
  headers: unsupported === undefined ? [] : [['Unsupported', unsupported]],
})

/**
 * What a proxy checks before it passes a request on (RFC 3261 §16.3): a scheme it knows, hops that are left, no extension
 * that it would have to understand. Require and the body are for whoever it goes to.
 */
export function checkForwarded(request: SipRequest): UasVerdict {
  const { uri, headers } = request
  if (uri.scheme !== 'sip' && uri.scheme !== 'sips') return answer(416)
  if (headers.maxForwards() === 0) return answer(483)
  const required = headers.all('Proxy-Require').filter((value) => value !== '')
  return required.length === 0 ? PASS : answer(420, required.join(', '))
}
