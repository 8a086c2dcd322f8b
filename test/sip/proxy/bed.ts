import type { HeaderField } from '../../../src/sip/headers.ts'
import type { SipMessage, SipRequest, SipResponse } from '../../../src/sip/message.ts'
import { parseMessage } from '../../../src/sip/parse.ts'
import type { Source } from '../../../src/sip/transport/place.ts'
import type { SipUri } from '../../../src/sip/uri.ts'
import { parseUri } from '../../../src/sip/uri-parse.ts'

function parsed(lines: readonly string[], body = ''): SipMessage {
  const head = [...lines, `Content-Length: ${Buffer.byteLength(body)}`]
  const message = parseMessage(Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`))
  if (!message.ok) throw new Error(JSON.stringify(message.error))
  return message.value
}

export interface RequestParts {
  readonly method?: string
  readonly uri?: string
  readonly via?: readonly string[]
  readonly from?: string
  readonly to?: string
  readonly callId?: string
  readonly cseq?: number
  /** Lines that follow, instead of `Max-Forwards: 70`. */
  readonly lines?: readonly string[]
  readonly body?: string
}

/** A request as it came over the wire. */
export function request(parts: RequestParts = {}): SipRequest {
  const { method = 'MESSAGE', uri = 'sip:romeo@sip.example', lines = ['Max-Forwards: 70'] } = parts
  const head = [
    `${method} ${uri} SIP/2.0`,
    ...(parts.via ?? ['SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKa']).map((via) => `Via: ${via}`),
    `From: ${parts.from ?? '<sip:paris@partner.example>;tag=f'}`,
    `To: ${parts.to ?? '<sip:romeo@sip.example>'}`,
    `Call-ID: ${parts.callId ?? 'c'}`,
    `CSeq: ${parts.cseq ?? 1} ${method}`,
    ...lines,
  ]
  const message = parsed(head, parts.body)
  if (message.kind !== 'request') throw new Error('not a request')
  return message
}

export function response(status: number, lines: readonly string[] = [], method = 'MESSAGE'): SipResponse {
  const message = parsed([
    `SIP/2.0 ${status} Reason`,
    'Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKours',
    'From: <sip:paris@partner.example>;tag=f',
    'To: <sip:romeo@sip.example>;tag=t',
    'Call-ID: c',
    `CSeq: 1 ${method}`,
    ...lines,
  ])
  if (message.kind !== 'response') throw new Error('not a response')
  return message
}

export function sipUri(text: string): SipUri {
  const uri = parseUri(text)
  if (!uri.ok || (uri.value.scheme !== 'sip' && uri.value.scheme !== 'sips')) throw new Error(text)
  return uri.value
}

export const source = (parts: Partial<Source> = {}): Source => ({
  transport: 'udp',
  address: '192.0.2.9',
  port: 5060,
  listener: 'outside',
  side: 'outside',
  ...parts,
})

/** Ours are edge.sip.example:5061 and 127.0.0.1:5060. */
export const isOwn = ({ host, port }: SipUri): boolean =>
  (host === 'edge.sip.example' && port === 5061) || (host === '127.0.0.1' && port === 5060)

export const valuesOf = (fields: readonly HeaderField[], name: string): readonly string[] =>
  fields.filter((field) => field[0] === name).map(([, value]) => value)
