import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import type { Timers } from '../../kernel/timer-wheel.ts'
import { answers, type Query } from './query.ts'

/** A DNS server. */
export interface DnsServer {
  /** IP literal without brackets. */
  readonly address: string
  readonly port: number
}

export type Exchange =
  | { readonly kind: 'reply'; readonly bytes: Uint8Array }
  | { readonly kind: 'failed'; readonly reason: string }

export interface ExchangeDeps {
  readonly timers: Timers
  /** Milliseconds. */
  readonly timeout: number
  /** Its reason is a text. */
  readonly signal: AbortSignal
  /** Something came that answers another question, or under another identifier. */
  readonly onForeign: () => void
}

/**
 * One datagram there and one back, on a socket of its own: its port is one that nobody can guess (RFC 5452 §9.2), and
 * since it is connected, the kernel takes datagrams of that server only. What does not belong to the query is passed
 * over, for the true answer may still come.
 */
export const askOverUdp = (server: DnsServer, query: Query, deps: ExchangeDeps): Promise<Exchange> =>
  exchange(deps, (settle) => {
    const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4')
    socket.on('error', (error) => settle(failedBy(error)))
    socket.on('connect', () => socket.send(query.bytes))
    socket.on('message', (bytes) => {
      if (answers(query, bytes)) settle({ kind: 'reply', bytes })
      else deps.onForeign()
    })
    socket.connect(server.port, server.address)
    return () => socket.close()
  })

/** RFC 7766: two octets of length, then the message. */
export const askOverTcp = (server: DnsServer, query: Query, deps: ExchangeDeps): Promise<Exchange> =>
  exchange(deps, (settle) => {
    const socket = connect({ host: server.address, port: server.port })
    let held: Buffer = Buffer.alloc(0)
    socket.on('error', (error) => settle(failedBy(error)))
    socket.on('close', () => settle({ kind: 'failed', reason: 'connection closed' }))
    socket.on('connect', () => {
      const { length } = query.bytes
      socket.write(Buffer.concat([Buffer.from([length >> 8, length & 0xff]), query.bytes]))
    })
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk])
      if (held.length < 2) return
      const end = 2 + held.readUInt16BE(0)
      if (held.length < end) return
      const bytes = held.subarray(2, end)
      if (answers(query, bytes)) settle({ kind: 'reply', bytes })
      else {
        deps.onForeign()
        settle({ kind: 'failed', reason: 'foreign answer' })
      }
    })
    return () => socket.destroy()
  })

/** Ends exactly once: by what was opened, by time, or by the signal; and closes what was opened. */
function exchange(
  deps: ExchangeDeps,
  open: (settle: (result: Exchange) => void) => () => void,
): Promise<Exchange> {
  return new Promise((resolve) => {
    let ended = false
    const settle = (result: Exchange): void => {
      if (ended) return
      ended = true
      timer.cancel()
      deps.signal.removeEventListener('abort', onAbort)
      close()
      resolve(result)
    }
    const onAbort = (): void => settle({ kind: 'failed', reason: String(deps.signal.reason) })
    const timer = deps.timers.set(deps.timeout, () => settle({ kind: 'failed', reason: 'timeout' }))
    deps.signal.addEventListener('abort', onAbort)
    // Sockets report nothing before the next turn of the event loop.
    const close = open(settle)
    if (deps.signal.aborted) onAbort()
  })
}

const failedBy = (error: Error): Exchange => ({
  kind: 'failed',
  reason: 'code' in error ? String(error.code) : error.message,
})
