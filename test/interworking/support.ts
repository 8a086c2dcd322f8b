import type { ToSip, ToXmpp } from '../../src/interworking/message.ts'
import { type HeaderField, Headers } from '../../src/sip/headers.ts'
import type { SipRequest } from '../../src/sip/message.ts'
import { parseUri } from '../../src/sip/uri-parse.ts'

export const NOW = Date.UTC(2026, 0, 1, 12, 0, 0)

export const TO_SIP: ToSip = {
  addressing: { kind: 'straight' },
  callId: 'call-1',
  cseq: 1,
  fromTag: 'tag1',
  now: NOW,
}

export const TO_XMPP: ToXmpp = {
  addressing: { kind: 'straight' },
  stanzaId: 'id-1',
  thread: undefined,
  messageType: 'normal',
  gateway: 'gateway.example',
  now: NOW,
}

export interface Parts {
  readonly uri?: string
  readonly from?: string
  readonly to?: string
  readonly type?: string
  readonly body?: string | Uint8Array
  readonly fields?: readonly HeaderField[]
}

/** A MESSAGE from Romeo to Juliet. */
export function message(parts: Parts = {}): SipRequest {
  const target = parts.uri ?? 'sip:juliet@example.com'
  const uri = parseUri(target)
  if (!uri.ok) throw new Error(`not a URI: ${target}`)
  const body = parts.body ?? 'Hello'
  return {
    kind: 'request',
    method: 'MESSAGE',
    uri: uri.value,
    headers: new Headers([
      ['From', parts.from ?? '<sip:romeo@example.net;gr=orchard>;tag=a'],
      ['To', parts.to ?? '<sip:juliet@example.com>'],
      ['Call-ID', 'c1'],
      ['CSeq', '1 MESSAGE'],
      ...(parts.type === '' ? [] : [['Content-Type', parts.type ?? 'text/plain'] as const]),
      ...(parts.fields ?? []),
    ]),
    body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
  }
}
