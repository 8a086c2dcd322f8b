import { SipFramer } from '../../src/sip/frames.ts'
import { parseMessage } from '../../src/sip/parse.ts'
import { response } from '../../src/sip/response.ts'
import { writeRequest, writeResponse } from '../../src/sip/serialize.ts'
import { aorOf } from '../../src/sip/uri-compare.ts'
import { parseUri } from '../../src/sip/uri-parse.ts'
import { measure } from './harness.ts'

const at = <T>(list: readonly T[], i: number): T => list[i % list.length] as T

/** 600 octets, as a home server sends them. */
function message(i: number): Buffer {
  const body = `Message number ${i}: ${'wherefore art thou '.repeat(4)}`
  const head =
    `MESSAGE sip:user${i}@partner${i % 50}.example SIP/2.0\r\n` +
    `Via: SIP/2.0/UDP 192.0.2.${i % 250}:5060;rport;branch=z9hG4bK${(i * 7919).toString(16)}a8fj3nd9\r\n` +
    'Max-Forwards: 70\r\n' +
    `From: "Juliet Capulet" <sip:juliet${i}@example.com>;tag=${(i * 104729).toString(16)}\r\n` +
    `To: <sip:user${i}@partner${i % 50}.example>\r\n` +
    `Call-ID: ${(i * 15485863).toString(16)}-ab38cd1@example.com\r\n` +
    `CSeq: ${i + 1} MESSAGE\r\n` +
    'User-Agent: home server 4.2\r\n' +
    'Content-Type: text/plain;charset=UTF-8\r\n' +
    `Content-Length: ${body.length}\r\n`
  const filler = 600 - head.length - body.length - 2 - 'Subject: \r\n'.length
  return Buffer.from(`${head}Subject: ${'s'.repeat(Math.max(filler, 0))}\r\n\r\n${body}`, 'latin1')
}

const datagrams = Array.from({ length: 1000 }, (_, i) => message(i))
measure('sip/parseMessage, 600 octets', (i) => parseMessage(at(datagrams, i)), { bytes: 600 })

const requests = datagrams.map((bytes) => {
  const parsed = parseMessage(bytes)
  if (!parsed.ok || parsed.value.kind !== 'request') throw new Error('the benchmark sends what is refused')
  return parsed.value
})
const VIA = 'SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bKabcdefghijklmnop'
measure('sip/writeRequest with a top Via', (i) => writeRequest(at(requests, i), VIA), { bytes: 660 })
measure('sip/response and writeResponse', (i) =>
  writeResponse(response(at(requests, i), 200, undefined, { toTag: 'abcdef' })),
)

const stream = Buffer.concat(datagrams.slice(0, 100))
const framer = new SipFramer()
measure('sip/SipFramer.push, 100 messages a chunk', () => framer.push(stream), { bytes: stream.length })

const uris = Array.from(
  { length: 1000 },
  (_, i) => `sip:user${i}@partner${i % 50}.example:5060;transport=tcp`,
)
measure('sip/parseUri', (i) => parseUri(at(uris, i)))
const parsedUris = requests.map((request) => request.uri)
measure('sip/aorOf', (i) => aorOf(at(parsedUris, i)))
