import { readFileSync } from 'node:fs'

/** A row of `index.json`. */
export interface Vector {
  readonly name: string
  readonly file: string
  readonly bytes: number
  readonly title: string
  readonly kind: 'request' | 'response'
  readonly valid: boolean
  readonly expected: {
    readonly parse: 'accept' | 'reject' | 'either'
    readonly status?: readonly number[]
    readonly drop?: boolean
  }
}

const folder = (set: string) => new URL(`../vectors/${set}/`, import.meta.url)

export const vectors = (set: 'sip-torture' | 'sip-torture-ipv6'): readonly Vector[] =>
  (JSON.parse(readFileSync(new URL('index.json', folder(set)), 'utf8')) as { messages: Vector[] }).messages

export const vectorBytes = (set: 'sip-torture' | 'sip-torture-ipv6', file: string): Buffer => {
  const bytes = readFileSync(new URL(file, folder(set)))
  return LONG_CLAIM.has(file) ? claimRight(bytes) : bytes
}

/** Printed with a Content-Length that is more than the body that follows (RFC 5118 §4.6, §4.8). */
const LONG_CLAIM: ReadonlySet<string> = new Set(['ipv6-in-sdp.dat', 'mult-ip-in-sdp.dat'])

function claimRight(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1')
  const body = text.length - text.indexOf('\n\n') - 2
  return Buffer.from(text.replace(/^Content-Length: [0-9]+$/m, `Content-Length: ${body}`), 'latin1')
}
