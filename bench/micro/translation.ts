import { messageToStanza, stanzaToMessage } from '../../src/interworking/message.ts'
import { Headers } from '../../src/sip/headers.ts'
import type { SipRequest } from '../../src/sip/message.ts'
import { parseUri } from '../../src/sip/uri-parse.ts'
import { xml } from '../../src/xmpp/xml/element.ts'
import { measure } from './harness.ts'

const at = <T>(list: readonly T[], i: number): T => list[i % list.length] as T
const TEXT = 'Art thou not Romeo, and a Montague?'
const now = Date.now()

const stanzas = Array.from({ length: 1000 }, (_, i) =>
  xml(
    'message',
    { from: `user${i}@xmpp.example/balcony`, to: `peer${i}@sip.example`, type: 'chat', id: `m${i}` },
    xml('body', {}, TEXT),
  ),
)
const toSip = { addressing: { kind: 'straight' }, callId: 'call-1', cseq: 1, fromTag: 'tag', now } as const
measure('interworking/stanzaToMessage', (i) => stanzaToMessage(at(stanzas, i), toSip))

const requests = Array.from({ length: 1000 }, (_, i): SipRequest => {
  const uri = parseUri(`sip:user${i}@xmpp.example`)
  if (!uri.ok) throw new Error(uri.error)
  return {
    kind: 'request',
    method: 'MESSAGE',
    uri: uri.value,
    headers: new Headers([
      ['Via', 'SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1'],
      ['From', `<sip:peer${i}@sip.example;gr=desk>;tag=a`],
      ['To', `<sip:user${i}@xmpp.example>`],
      ['Call-ID', `c${i}`],
      ['CSeq', '1 MESSAGE'],
      ['Content-Type', 'text/plain'],
    ]),
    body: new TextEncoder().encode(TEXT),
  }
})
const toXmpp = {
  addressing: { kind: 'straight' },
  stanzaId: 'id',
  thread: 'thread',
  messageType: 'normal',
  gateway: 'gateway.example',
  now,
} as const
measure('interworking/messageToStanza', (i) => messageToStanza(at(requests, i), toXmpp))
