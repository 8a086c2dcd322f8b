import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { dialbackText, headerText, NS } from './s2s-words.ts'

/** What a hostile peer sends, and what it does to listeners. */

/** XML that grows when it is read (an entity of entities), instead of a stream header. */
export const entityBomb = (levels = 9): string => {
  const entities = Array.from(
    { length: levels },
    (_, at) => `<!ENTITY e${at + 1} "${`&e${at};`.repeat(10)}">`,
  )
  return `<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY e0 "ha">${entities.join('')}]><stream:stream xmlns='${NS.server}' xmlns:stream='${NS.streams}' to='&e${levels};'>`
}

/** A message whose elements are nested that deep; nothing is closed. */
export const deepMessage = (levels: number): string => `<message>${'<a>'.repeat(levels)}`

/** A start tag with that many attributes. */
export const wideTag = (attributes: number): string =>
  `<message ${Array.from({ length: attributes }, (_, at) => `a${at}='1'`).join(' ')}>`

/** A message with a body of that many octets. */
export const hugeMessage = (octets: number, from: string, to: string): string =>
  `<message from='${from}' to='${to}'><body>${'x'.repeat(octets)}</body></message>`

/** Keys in the names of others: each makes the receiving server look for a server of `victim(number)`. */
export const keysFor = (to: string, count: number, victim: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) =>
    dialbackText('result', { from: victim(at), to, key: 'f00d' }),
  ).join('')

export interface HalfOpen extends AsyncDisposable {
  /** Connections that the other side has not closed. */
  open(): number
  /** What all of them heard, one after the other. */
  heard(): string
  /** Once no more than so many are open. */
  fewerThan(count: number, within?: number): Promise<void>
}

/**
 * So many connections to that port, which say this much and then nothing: by default not even a header.
 * @param from the address that each comes from, of 127.0.0.0/8; 127.0.0.1 unless told
 */
export async function halfOpen(
  port: number,
  count: number,
  says = '',
  from = (_: number): string => '127.0.0.1',
): Promise<HalfOpen> {
  const sockets = new Set<Socket>()
  const heard: string[] = []
  for (let at = 0; at < count; at += 1) {
    const socket = connect({ host: '127.0.0.1', port, localAddress: from(at) })
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    socket.setEncoding('utf8').on('data', (text: string) => heard.push(text))
    socket.on('end', () => socket.destroy())
    if (says !== '') socket.write(says)
    // Refused ones too are done with: only the listener's backlog is to be spared.
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => {})
  }
  return {
    open: () => sockets.size,
    heard: () => heard.join('\n'),
    async fewerThan(limit, within = 30_000) {
      const until = Date.now() + within
      while (sockets.size >= limit) {
        if (Date.now() > until) throw new Error(`${sockets.size} connections are still open`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    async [Symbol.asyncDispose]() {
      const gone = [...sockets].map((socket) => once(socket, 'close'))
      for (const socket of sockets) socket.destroy()
      await Promise.all(gone)
    },
  }
}

/** A header from `victim`, on a stream that proves someone else; and a stanza in its name. */
export const spoofedHeader = (victim: string, to: string): string => headerText({ from: victim, to })
export const spoofedMessage = (from: string, to: string): string =>
  `<message from='${from}' to='${to}' type='chat'><body>spoofed</body></message>`
