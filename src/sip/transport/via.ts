import { param, paramText } from '../scan.ts'
import type { Via } from '../via.ts'

/**
 * The top Via of a request as its response repeats it: with `received`, and `rport` where it was asked for
 * (RFC 3261 §18.2.1, RFC 3581 §4). What the sender itself claimed there is replaced.
 */
export function receivedVia(via: Via, address: string, port: number): string {
  const rport = param(via.params, 'rport')
  const host = via.host.startsWith('[') ? via.host.slice(1, -1) : via.host
  const place = via.port === undefined ? '' : `:${via.port}`
  let text = `${via.protocol}/${via.transport} ${via.host}${place}`
  for (const entry of via.params)
    if (entry[0] !== 'received' && entry[0] !== 'rport') text += paramText(entry)
  if (rport !== undefined || host !== address) text += `;received=${address}`
  if (rport !== undefined) text += `;rport=${port}`
  return text
}

/** Where a response over UDP goes (RFC 3261 §18.2.2, RFC 3581 §4). `maddr` is never followed. */
export const replyPort = (via: Via, sourcePort: number): number =>
  param(via.params, 'rport') !== undefined ? sourcePort : (via.port ?? 5060)
