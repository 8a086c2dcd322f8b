import type { EndpointOptions, InviteHandlers, Outcome } from '../../../src/sip/endpoint/endpoint.ts'
import { MESSAGE_SUPPORT } from '../../../src/sip/endpoint/uas.ts'
import type { HeaderField } from '../../../src/sip/headers.ts'
import type { SipRequest, SipResponse } from '../../../src/sip/message.ts'
import { fakeTime } from '../../kernel/fake-time.ts'
import { type Bed, bed, header, outgoing } from './bed.ts'

export const udpHop = (port: number) => ({ transport: 'udp', address: '127.0.0.1', port }) as const
export const tcpHop = (port: number) => ({ transport: 'tcp', address: '127.0.0.1', port }) as const

/** A bed whose time stands still until it is told to pass. */
export async function timed(
  options: Parameters<typeof bed>[0] = {},
): Promise<Bed & { pass(ms: number): void; timers(): number }> {
  const time = fakeTime()
  const made = await bed({ clock: time.clock, timers: time.timers, ...options })
  return { ...made, pass: time.pass, timers: () => time.timers.size }
}

export const TAKES_INVITE: Partial<EndpointOptions> = {
  supports: { ...MESSAGE_SUPPORT, methods: ['MESSAGE', 'INVITE'], accept: ['text/plain', 'application/sdp'] },
}

/** An INVITE as the transaction user gives it, with what ACK and CANCEL must repeat and what they must not. */
export function invitation(...more: readonly HeaderField[]): SipRequest {
  const plain = outgoing('v=0', 'INVITE')
  return {
    ...plain,
    headers: plain.headers.with(
      ['Route', '<sip:127.0.0.1;lr>, <sip:second.example;lr>'],
      ['Route', '<sip:third.example;lr>'],
      ['Require', '100rel'],
      ['Proxy-Require', 'something'],
      ['Contact', '<sip:juliet@192.0.2.1>'],
      ...more,
    ),
  }
}

/** What a transaction user was told, one word each: `180`, `ok 200 tag`, `end 486`, `end timeout`. */
export interface Told extends InviteHandlers {
  readonly list: string[]
  readonly outcomes: Outcome[]
  readonly responses: SipResponse[]
}

export function told(then: Partial<InviteHandlers> = {}): Told {
  const list: string[] = []
  const outcomes: Outcome[] = []
  const responses: SipResponse[] = []
  const tag = (response: SipResponse): string =>
    /;tag=(\S+)/.exec(response.headers.get('To') ?? '')?.[1] ?? ''
  return {
    list,
    outcomes,
    responses,
    provisional(response) {
      responses.push(response)
      list.push(String(response.status))
      then.provisional?.(response)
    },
    success(response) {
      responses.push(response)
      list.push(`ok ${response.status} ${tag(response)}`)
      then.success?.(response)
    },
    done(outcome) {
      outcomes.push(outcome)
      list.push(
        outcome.kind === 'response'
          ? `end ${outcome.response.status}`
          : `end ${outcome.kind}${outcome.kind === 'timeout' ? '' : ` ${outcome.reason}`}`,
      )
      then.done?.(outcome)
    },
  }
}

/** The answer that a peer gives to the text of a request; `vias` stand below the first. */
export function answer(
  request: string,
  status: number,
  options: { tag?: string; vias?: string; extra?: string } = {},
): string {
  const { tag = '', vias = '', extra = '' } = options
  const line = (name: string): string => `${name}: ${header(request, name)}`
  return [
    `SIP/2.0 ${status} Whatever`,
    `${line('Via')}${vias}`,
    line('From'),
    `${line('To')}${tag === '' ? '' : `;tag=${tag}`}`,
    line('Call-ID'),
    line('CSeq'),
    ...(extra === '' ? [] : [extra]),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
}

/** The ACK for a refusal, or a CANCEL, as the sender of an INVITE writes it. */
export function hopByHop(invite: string, method: 'ACK' | 'CANCEL', to = header(invite, 'To')): string {
  return [
    invite.split('\r\n', 1)[0]?.replace('INVITE', method),
    `Via: ${header(invite, 'Via')}`,
    'Max-Forwards: 70',
    `From: ${header(invite, 'From')}`,
    `To: ${to}`,
    `Call-ID: ${header(invite, 'Call-ID')}`,
    `CSeq: ${header(invite, 'CSeq')?.replace('INVITE', method)}`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
}

export const statusOf = (response: string): string => response.slice(8, 11)
export const methodOf = (request: string): string => request.split(' ', 1)[0] as string
