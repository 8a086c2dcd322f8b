import { describe, expect, test } from 'vitest'
import { type Vector, vectorBytes, vectors } from '../vectors.ts'
import { bed, pause, requestText, tcpPeer, udpPeer, until } from './bed.ts'

/** A user agent that knows INVITE, so that its bodies and offers are judged; it takes no calls. */
const SUPPORT = {
  methods: ['INVITE', 'MESSAGE'],
  accept: ['text/plain', 'application/sdp', 'message/sip', 'multipart/*'],
  schemes: ['sip', 'sips'],
  extensions: [],
  answers: { INVITE: 'application/sdp' },
}

/** The index speaks of a registrar; others treat the request as usual, and REGISTER is nothing we allow. */
const NOT_A_REGISTRAR: Readonly<Record<string, readonly number[]>> = { unksm2: [405] }

const status = (text: string): number => Number(/^SIP\/2\.0 ([0-9]{3}) /.exec(text)?.[1])

/** The answer returns to where it came from, so that the peer can read it. */
const comesBack = (bytes: Buffer, port: number): Buffer => {
  const text = bytes.toString('latin1')
  return Buffer.from(
    text.replace(
      /^(?:via|v)([ \t]*):[ \t\r\n]*SIP[ \t\r\n]*\/[ \t\r\n]*[0-9]\.0[ \t\r\n]*\/[ \t\r\n]*[a-z]+[ \t\r\n]+[^\r\n;,]+/im,
      `Via$1: SIP/2.0/UDP 127.0.0.1:${port}`,
    ),
    'latin1',
  )
}

for (const set of ['sip-torture', 'sip-torture-ipv6'] as const) {
  describe(`${set} over UDP`, () => {
    test.for(vectors(set).map((vector) => [vector.name, vector] as const))('%s', async ([, vector]) => {
      const { endpoint, udp } = await bed({
        supports: SUPPORT,
        onRequest: (r) => r.respond(r.request.method === 'INVITE' ? 488 : 200),
      })
      const peer = await udpPeer()
      peer.send(comesBack(vectorBytes(set, vector.file), peer.port), udp)
      peer.send(requestText(peer.port, { method: 'OPTIONS', body: '', callId: 'alive' }), udp)
      await until(() => peer.received.some((text) => text.includes('Call-ID: alive')))
      await pause(5)
      const answers = peer.received.filter((text) => !text.includes('Call-ID: alive'))
      judge(vector, answers.map(status))
      expect(endpoint.stats().faults).toBe(0)
    })
  })
}

describe('torture messages over TCP', () => {
  test.for(vectors('sip-torture').map((vector) => [vector.name, vector] as const))(
    '%s',
    async ([, vector]) => {
      const { endpoint, tcp } = await bed({
        supports: SUPPORT,
        onRequest: (r) => r.respond(r.request.method === 'INVITE' ? 488 : 200),
      })
      const peer = await tcpPeer(tcp)
      peer.socket.end(vectorBytes('sip-torture', vector.file))
      await until(peer.closed)
      const next = await tcpPeer(tcp)
      next.socket.write(requestText(5060, { method: 'OPTIONS', body: '' }))
      await until(() => next.text().startsWith('SIP/2.0 200'))
      const answers = peer
        .text()
        .split(/(?=SIP\/2\.0 [0-9]{3} )/)
        .filter((text) => text !== '')
      if (vector.kind === 'response') expect(answers).toEqual([])
      else for (const answer of answers) expect(status(answer)).toBeGreaterThanOrEqual(200)
      expect(endpoint.stats().faults).toBe(0)
    },
  )
})

function judge(vector: Vector, answers: readonly number[]): void {
  const { status: allowed, drop, parse } = vector.expected
  if (vector.kind === 'response' || drop === true) {
    expect(answers).toEqual([])
    return
  }
  // Neither request line nor Via can be read: a drop is right as well.
  if (vector.name === 'test' && answers.length === 0) return
  expect(answers).toHaveLength(1)
  const [answer] = answers as [number]
  const right = NOT_A_REGISTRAR[vector.name] ?? allowed
  if (right === undefined) expect(answer).toBeGreaterThanOrEqual(200)
  else if (parse === 'either' && !right.includes(answer)) expect(answer).not.toBe(500)
  else expect(right).toContain(answer)
}
