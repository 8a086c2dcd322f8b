import { describe, expect, test } from 'vitest'
import { userOf } from '../../src/sip/escape.ts'
import type { SipMessage, SipRequest } from '../../src/sip/message.ts'
import { parseNameAddr } from '../../src/sip/name-addr.ts'
import { parseMessage } from '../../src/sip/parse.ts'
import { response } from '../../src/sip/response.ts'
import { param } from '../../src/sip/scan.ts'
import { writeMessage, writeResponse } from '../../src/sip/serialize.ts'
import { aorOf, sameUri } from '../../src/sip/uri-compare.ts'
import { uriText } from '../../src/sip/uri-write.ts'
import { parseVia } from '../../src/sip/via.ts'
import { type Vector, vectorBytes, vectors } from './vectors.ts'

type Set = 'sip-torture' | 'sip-torture-ipv6'

function accepted(name: string, set: Set = 'sip-torture'): SipMessage {
  const parsed = parseMessage(vectorBytes(set, `${name}.dat`))
  if (!parsed.ok) throw new Error(`${name}: ${parsed.error.reason}`)
  return parsed.value
}

function request(name: string, set: Set = 'sip-torture'): SipRequest {
  const message = accepted(name, set)
  if (message.kind !== 'request') throw new Error(`${name} is a response`)
  return message
}

function refused(name: string): { status: number | undefined; reason: string } {
  const parsed = parseMessage(vectorBytes('sip-torture', `${name}.dat`))
  if (parsed.ok) throw new Error(`${name} was accepted`)
  return {
    status: parsed.error.kind === 'answer' ? parsed.error.status : undefined,
    reason: parsed.error.reason,
  }
}

function address(value: string | undefined) {
  const parsed = parseNameAddr(value ?? '')
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

function behaves(set: Set, vector: Vector): void {
  const bytes = vectorBytes(set, vector.file)
  // The digits of a corrected Content-Length are as many.
  expect(bytes.length).toBe(vector.bytes)
  const parsed = parseMessage(bytes)
  if (vector.expected.parse !== 'either') expect(parsed.ok).toBe(vector.expected.parse === 'accept')
  if (parsed.ok) {
    expect(parsed.value.kind).toBe(vector.kind)
    // What was read can be written, and is then read the same.
    const again = parseMessage(writeMessage(parsed.value))
    expect(again.ok && again.value.headers.fields().filter(([name]) => name !== 'Content-Length')).toEqual(
      parsed.value.headers.fields().filter(([name]) => name !== 'Content-Length'),
    )
    return
  }
  if (vector.kind === 'response') expect(parsed.error.kind).toBe('drop')
  else if (parsed.error.kind === 'answer') {
    expect(vector.expected.status).toContain(parsed.error.status)
    const { error } = parsed
    expect(writeResponse(response(error, error.status, error.reason)).toString('latin1')).toMatch(
      /^SIP\/2\.0 [45][0-9]{2} [\s\S]+\r\nVia: /,
    )
  } else expect(vector.name).toBe('test')
}

describe('RFC 4475', () => {
  const list = vectors('sip-torture')
  test('all 50 are here', () => expect(list.length).toBe(50))
  test.for(list.map((vector) => [vector.name, vector] as const))('%s', ([, vector]) => {
    behaves('sip-torture', vector)
  })
})

describe('RFC 5118', () => {
  const list = vectors('sip-torture-ipv6')
  test('all 12 are here', () => expect(list.length).toBe(12))
  test.for(list.map((vector) => [vector.name, vector] as const))('%s', ([, vector]) => {
    behaves('sip-torture-ipv6', vector)
  })
})

describe('RFC 4475, what they hold', () => {
  test('wsinv: folding, compact forms, odd case, zeros in front', () => {
    const message = request('wsinv')
    expect(message.headers.get('To')).toBe('sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n')
    expect(param(message.headers.to()?.params ?? [], 'tag')).toBe('1918181833n')
    expect(message.headers.from()?.display).toBe('J Rosenberg \\"')
    expect(param(message.headers.from()?.params ?? [], 'tag')).toBe('98asjd8')
    expect(message.headers.maxForwards()).toBe(68)
    expect(message.headers.cseq()).toEqual({ number: 9, method: 'INVITE' })
    expect(message.headers.get('Subject')).toBe('')
    expect(message.headers.get('Newfangledheader')).toBe('newfangled value continued newfangled value')
    expect(message.headers.get('Unknownheaderwithunusualvalue')).toBe(';;,,;;,;')
    expect(message.headers.topVia()).toEqual({
      protocol: 'SIP/2.0',
      transport: 'UDP',
      host: '192.0.2.2',
      port: undefined,
      params: [['branch', '390skdjuw']],
    })
    const [, lower] = message.headers.all('Via')
    const hops = parseVia(lower ?? '')
    expect(
      hops.ok && hops.value.map((via) => [via.transport, via.host, param(via.params, 'branch')]),
    ).toEqual([
      ['TCP', 'spindle.example.com', 'z9hG4bK9ikj8'],
      ['UDP', '192.168.255.111', 'z9hG4bK30239'],
    ])
    const contact = address(message.headers.get('Contact'))
    expect(contact.display).toBe('Quoted string ""')
    expect(contact.params).toEqual([
      ['newparam', 'newvalue'],
      ['secondparam', undefined],
      ['q', '0.33'],
    ])
    expect(message.body.length).toBe(150)
  })

  test('intmeth: every odd character stays, a NUL in a quoted pair does not', () => {
    const message = request('intmeth')
    expect(message.method).toBe("!interesting-Method0123456789_*+`.%indeed'~")
    expect(message.uri).toMatchObject({
      user: "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*",
      password: "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)",
      host: 'example.com',
    })
    expect(message.headers.to()?.display).toBe('BEL:\u0007 NUL:\ufffd DEL:\u007f')
    expect(message.headers.from()?.display).toBe("token1~` token2'+_ token3*%!.-")
    expect(param(message.headers.from()?.params ?? [], "fromparam''~+*_!.-%")).toBe('"работающий"')
    expect(message.headers.fields().at(-2)?.[1]).toBe('\ufeff大停電')
  })

  test('esc01: escapes equal characters and are taken away once', () => {
    const message = request('esc01')
    expect(userOf(message.uri)).toBe('sips:user@example.com')
    expect(userOf(address(message.headers.get('To')).uri)).toBe('user')
    expect(userOf(address(message.headers.get('From')).uri)).toBe('I have spaces')
    const contact = address(message.headers.get('Contact'))
    expect(userOf(contact.uri)).toBe('caller')
    expect('params' in contact.uri && contact.uri.params).toEqual([
      ['lr', undefined],
      ['name', 'v%61lue%25%34%31'],
    ])
  })

  test('escnull: the contacts differ', () => {
    const message = request('escnull')
    const [one, two] = message.headers.all('Contact').map((value) => address(value).uri)
    if (one === undefined || two === undefined) throw new Error('two contacts')
    expect(userOf(one)).toBe('\0')
    expect(userOf(two)).toBe('\0\0')
    expect(sameUri(one, two)).toBe(false)
    expect(aorOf(one)).not.toBe(aorOf(two))
    expect(userOf(address(message.headers.get('To')).uri)).toBe('null-\0-null')
  })

  test('esc02: a percent sign in a method or header name is no escape', () => {
    const message = request('esc02')
    expect(message.method).toBe('RE%47IST%45R')
    expect(message.headers.all('Contact').length).toBe(2)
    expect(message.headers.to()?.display).toBe('%Z%45')
  })

  test('lwsdisp', () => expect(request('lwsdisp').headers.from()?.display).toBe('caller'))

  test('longreq: all 34 hops', () => {
    const message = request('longreq')
    expect(message.headers.all('Via').length).toBe(34)
    expect(message.headers.topVia()?.host).toBe('sip33.example.com')
    expect(message.body.length).toBe(150)
  })

  test('dblreq: octets behind the body are ignored', () => {
    const message = request('dblreq')
    expect(message.method).toBe('REGISTER')
    expect(message.body.length).toBe(0)
  })

  test('semiuri: semicolons before the @ belong to the user', () => {
    expect(userOf(request('semiuri').uri)).toBe('user;par=u@example.net')
  })

  test('transports', () => {
    const transports = request('transports')
      .headers.all('Via')
      .map((value) => parseVia(value))
    expect(transports.map((via) => via.ok && via.value[0]?.transport)).toEqual([
      'UDP',
      'SCTP',
      'TLS',
      'UNKNOWN',
      'TCP',
    ])
  })

  test('mpart01: NUL in the body', () => {
    const message = request('mpart01')
    expect(message.body.length).toBe(553)
    expect(message.body.includes(0)).toBe(true)
  })

  test('unreason, noreason', () => {
    expect(accepted('unreason')).toMatchObject({
      status: 200,
      reason: '= 2**3 * 5**2 но сто девяносто девять - простое',
    })
    expect(accepted('noreason')).toMatchObject({ status: 100, reason: '' })
  })

  test('cparam01, cparam02, regescrt: whose parameter it is', () => {
    const header = address(request('cparam01').headers.get('Contact'))
    expect(header.params).toEqual([['unknownparam', undefined]])
    const inside = address(request('cparam02').headers.get('Contact'))
    expect(inside.params).toEqual([])
    expect(inside.uri).toMatchObject({ params: [['unknownparam', undefined]] })
    const escaped = address(request('regescrt').headers.get('Contact'))
    expect(escaped.uri).toMatchObject({ headers: 'Route=%3Csip:sip.example.com%3E' })
  })

  test('unkscm, novelsc, unksm2: other schemes are kept', () => {
    expect(request('unkscm').uri).toEqual({
      scheme: 'other',
      text: 'nobodyKnowsThisScheme:totallyopaquecontent',
    })
    expect(request('novelsc').uri).toEqual({ scheme: 'other', text: 'soap.beep://192.0.2.103:3002' })
    expect(request('unksm2').headers.to()?.uri).toEqual({ scheme: 'other', text: 'isbn:2983792873' })
  })

  test('zeromf, inv2543', () => {
    expect(request('zeromf').headers.maxForwards()).toBe(0)
    const old = request('inv2543')
    expect(old.headers.maxForwards()).toBeUndefined()
    expect(old.headers.to()?.params).toEqual([['user', 'phone']])
    expect(old.body.length).toBeGreaterThan(100)
  })

  test.for([
    ['badinv01', 400, 'Malformed Via header field'],
    ['clerr', 400, 'Content-Length larger than the message'],
    ['ncl', 400, 'Malformed Content-Length header field'],
    ['scalar02', 400, 'Malformed CSeq header field'],
    ['quotbal', 400, 'Malformed To header field'],
    ['ltgtruri', 400, 'Malformed Request-URI'],
    ['lwsruri', 400, 'Malformed Request-URI'],
    ['lwsstart', 400, 'Malformed Request-URI'],
    ['trws', 400, 'Malformed request line'],
    ['escruri', 400, 'Header component in Request-URI'],
    ['badaspec', 400, 'Malformed To header field'],
    ['badvers', 505, 'Version Not Supported'],
    ['mismatch01', 400, 'CSeq method does not match'],
    ['mismatch02', 400, 'CSeq method does not match'],
    ['insuf', 400, 'Missing From header field'],
    ['mcl01', 400, 'Repeated Content-Length header field'],
    ['multi01', 400, 'Repeated CSeq header field'],
    ['scalarlg', undefined, 'Malformed CSeq header field'],
    ['bigcode', undefined, 'Malformed status line'],
  ] as const)('%s is refused with %s, %s', ([name, status, reason]) => {
    expect(refused(name)).toEqual({ status, reason })
  })

  test('badbranch, baddate: not for the codec to refuse', () => {
    expect(param(request('badbranch').headers.topVia()?.params ?? [], 'branch')).toBe('z9hG4bK')
    expect(request('baddate').headers.get('Date')).toBe('Fri, 01 Jan 2010 16:00:00 EST')
  })
})

describe('RFC 5118, what they hold', () => {
  const uri = (name: string) => uriText(request(name, 'sip-torture-ipv6').uri)
  test('ports inside and outside the brackets', () => {
    expect(request('port-ambiguous', 'sip-torture-ipv6').uri).toMatchObject({
      host: '[2001:db8::10:5070]',
      port: undefined,
    })
    expect(request('port-unambiguous', 'sip-torture-ipv6').uri).toMatchObject({
      host: '[2001:db8::10]',
      port: 5070,
    })
  })
  test('three colons are read as two', () => {
    expect(uri('ipv6-bug-abnf-3-colons')).toBe('sip:user@[2001:db8::192.0.2.1]')
    expect(uri('ipv6-correct-abnf-2-colons')).toBe('sip:user@[2001:db8::192.0.2.1]')
  })
  test('received with and without brackets', () => {
    const received = (name: string) =>
      param(request(name, 'sip-torture-ipv6').headers.topVia()?.params ?? [], 'received')
    expect(received('via-received-param-with-delim')).toBe('[2001:db8::9:255]')
    expect(received('via-received-param-no-delim')).toBe('2001:db8::9:255')
  })
  test('mapped addresses and ports in Via', () => {
    expect(request('ipv4-mapped-ipv6', 'sip-torture-ipv6').headers.topVia()).toMatchObject({
      host: '[::ffff:192.0.2.10]',
      port: 19823,
    })
    expect(request('mult-ip-in-header', 'sip-torture-ipv6').headers.all('Via').length).toBe(3)
  })
})
