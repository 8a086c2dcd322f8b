import { isReachable } from '../../net/reachable.ts'
import type { Headers } from '../headers.ts'
import { response } from '../response.ts'
import { writeResponse } from '../serialize.ts'
import type { Connection } from '../transport/connection.ts'
import type { Connections } from '../transport/connections.ts'
import type { Leg } from '../transport/leg.ts'
import type { Source } from '../transport/place.ts'
import { receivedVia, replyPort } from '../transport/via.ts'
import type { Recipe } from './recipe.ts'

/** How a message came in: its response goes back the same way. */
export interface Arrival {
  readonly source: Source
  readonly leg: Leg
  readonly connection: Connection | undefined
}

/** Writes the response to this request, wherever it came from. @throws SipWriteError */
export function replyBytes(
  request: { readonly headers: Headers },
  arrival: Arrival,
  recipe: Recipe,
  toTag: string | undefined,
): Uint8Array {
  const { source } = arrival
  const via = request.headers.topVia()
  return writeResponse(
    response(request, recipe.status, recipe.reason, {
      topVia: via === undefined ? undefined : receivedVia(via, source.address, source.port),
      toTag,
      to: recipe.to,
      headers: recipe.headers,
      body: recipe.body,
    }),
  )
}

/**
 * Sends a response where RFC 3261 §18.2.2 and RFC 3581 §4 want it: over the connection that the request came on, or,
 * when that is gone, one to the sent-by port; over UDP from the same socket. `maddr` is not followed.
 */
export function sendReply(
  bytes: Uint8Array,
  request: { readonly headers: Headers },
  arrival: Arrival,
  connections: Connections,
  failed: (reason: string) => void,
): void {
  const { source, leg, connection } = arrival
  const via = request.headers.topVia()
  if (connection !== undefined) {
    if (connection.write(bytes)) return
    if (connection.isOpen) {
      connection.close('peer does not read')
      failed('peer does not read')
      return
    }
    const port = via?.port ?? (source.transport === 'tls' ? 5061 : 5060)
    const target = { names: source.identity }
    const other = isReachable(source.address, port)
      ? connections.to(leg, source.address, port, target)
      : undefined
    if (other === undefined || !other.write(bytes)) failed('no way back')
    return
  }
  const port = via === undefined ? source.port : replyPort(via, source.port)
  if (leg.udp === undefined || !isReachable(source.address, port)) failed('no way back')
  else leg.udp.send(bytes, source.address, port, failed)
}
