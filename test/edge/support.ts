import type { Arrival, Ending } from '../../src/edge/arrival.ts'
import { BackPressure } from '../../src/edge/back-pressure.ts'
import { Counters } from '../../src/edge/counters.ts'
import type { Log } from '../../src/edge/log.ts'
import { LoopGuard } from '../../src/edge/loop-guard.ts'
import { type Exits, Pipeline, type PipelineOptions } from '../../src/edge/pipeline.ts'
import type { SubjectCache } from '../../src/edge/subject-cache.ts'
import type { ComponentLink } from '../../src/federation/model.ts'
import type { Snapshot } from '../../src/federation/snapshot.ts'
import type { Random } from '../../src/kernel/random.ts'
import { Headers } from '../../src/sip/headers.ts'
import type { SipRequest, SipResponse } from '../../src/sip/message.ts'
import { parseUri } from '../../src/sip/uri-parse.ts'
import { type Element, xml } from '../../src/xmpp/xml/element.ts'
import { address, snapshot as build, link as linkRow, xmppProvider } from '../federation/fixtures.ts'
import { type FakeTime, fakeTime } from '../kernel/fake-time.ts'

export const ROMEO = 'romeo@sip.example'
export const JULIET = 'juliet@xmpp.example'

/** sip.example inside, xmpp.example behind the link prosody, everybody may speak. */
export const open = (parts: Parameters<typeof build>[0] = {}): Snapshot =>
  build({ providers: [xmppProvider({ verification: 'all' })], ...parts })

/** Tokens that tell how many went before: 1, 2, 3, padded. */
export function countingRandom(): Random {
  let count = 0
  return { fraction: () => 0.5, token: (length) => String(++count).padStart(length, 't') }
}

export interface Line {
  readonly level: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

export function recordingLog(levels: readonly string[] = ['info', 'warn', 'error']): Log & {
  readonly lines: Line[]
} {
  const lines: Line[] = []
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields: fields as Line['fields'], message })
  }
  return {
    lines,
    isLevelEnabled: (level) => levels.includes(level),
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  }
}

export interface MessageParts {
  readonly from?: string
  readonly to?: string
  readonly body?: string
  readonly subject?: string
  readonly callId?: string
  readonly cseq?: number
  readonly fromTag?: string
  readonly type?: string
  readonly method?: string
  readonly uri?: string
  readonly fields?: readonly (readonly [string, string])[]
}

let serial = 0

/** A request of one person to another, Romeo to Juliet unless told. */
export function sipMessage(parts: MessageParts = {}): SipRequest {
  const { from = ROMEO, to = JULIET, body = 'hi', method = 'MESSAGE' } = parts
  const target = parts.uri ?? `sip:${to}`
  const uri = parseUri(target)
  if (!uri.ok) throw new Error(`not a URI: ${target}`)
  return {
    kind: 'request',
    method,
    uri: uri.value,
    headers: new Headers([
      ['Max-Forwards', '70'],
      ['From', from.includes(':') ? `<${from}>;tag=f` : `<sip:${from}>;tag=${parts.fromTag ?? 'f'}`],
      ['To', `<sip:${to}>`],
      ['Call-ID', parts.callId ?? `call-${++serial}`],
      ['CSeq', `${parts.cseq ?? 1} ${method}`],
      ...(parts.subject === undefined ? [] : [['Subject', parts.subject] as const]),
      ...(body === '' ? [] : [['Content-Type', parts.type ?? 'text/plain'] as const]),
      ...(parts.fields ?? []),
    ]),
    body: new TextEncoder().encode(body),
  }
}

export function sipResponse(status: number, reason = '', fields: [string, string][] = []): SipResponse {
  return { kind: 'response', status, reason, headers: new Headers(fields), body: new Uint8Array() }
}

export interface Recorded extends Arrival {
  readonly endings: Ending[]
}

/** An arrival that records how it ended. */
export function arrivalOf(
  parts: MessageParts & {
    readonly evidence?: Arrival['evidence']
    readonly kind?: Arrival['kind']
    readonly onEnd?: (ending: Ending) => void
  } = {},
): Recorded {
  const { from = JULIET, to = ROMEO } = parts
  const endings: Ending[] = []
  return {
    kind: parts.kind ?? 'message',
    request: sipMessage({ ...parts, from, to }),
    from: address(from),
    to: address(to),
    evidence: parts.evidence ?? { kind: 'component', link: 'prosody' },
    endings,
    end(ending) {
      endings.push(ending)
      parts.onEnd?.(ending)
    },
  }
}

/** What an outbound request proves. */
export const FROM_HOME: Arrival['evidence'] = { kind: 'home', home: 'main' }

/** A message stanza, from Juliet's balcony to Romeo unless told. */
export function stanza(
  attrs: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly Element[]
): Element {
  return xml(
    'message',
    { from: `${JULIET}/balcony`, to: ROMEO, id: 's1', type: 'chat', ...attrs },
    ...(children.length > 0 ? children : [xml('body', {}, 'hi')]),
  )
}

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

/** The error stanza that an XMPP server or client answers with. */
export function errorTo(sent: Element, condition: string, changes: Record<string, string> = {}): Element {
  return xml(
    'message',
    {
      type: 'error',
      from: String(sent.attrs.to),
      to: String(sent.attrs.from),
      id: String(sent.attrs.id),
      ...changes,
    },
    xml('error', { type: 'cancel' }, xml(condition, { xmlns: STANZAS })),
  )
}

export const conditionOf = (element: Element | undefined): string | undefined =>
  element
    ?.getChild('error')
    ?.getChildElements()
    .map((child) => child.getName())[0]

export interface PipelineRig {
  readonly pipeline: Pipeline
  readonly time: FakeTime
  readonly counters: Counters
  readonly log: ReturnType<typeof recordingLog>
  readonly loops: LoopGuard
  /** What was handed to an exit, if no exits were given. */
  readonly out: Arrival[]
  readonly pressed: boolean[]
  snapshot: Snapshot
  bodies: boolean
}

/** A pipeline on a clock of its own; its exits keep what they are given. */
export function pipelineRig(
  options: {
    exits?: Partial<Exits>
    levels?: readonly string[]
    pressure?: { high?: number; low?: number; rest?: number }
    time?: FakeTime
    records?: SubjectCache
    delivered?: PipelineOptions['delivered']
  } = {},
): PipelineRig {
  const time = options.time ?? fakeTime()
  const { timers } = time
  const out: Arrival[] = []
  const pressed: boolean[] = []
  const counters = new Counters()
  const log = recordingLog(options.levels)
  const loops = new LoopGuard({ memory: 10_000, limit: 1000, timers })
  const keep = (arrival: Arrival): void => {
    out.push(arrival)
  }
  const rig: PipelineRig = {
    pipeline: new Pipeline({
      snapshot: () => rig.snapshot,
      exits: { toHome: keep, toProvider: keep, toDomain: keep, toXmpp: keep, ...options.exits },
      loops,
      backPressure: new BackPressure({
        ...options.pressure,
        pressure: (high) => pressed.push(high),
        timers,
      }),
      bodies: () => rig.bodies,
      ...(options.records && { records: options.records }),
      ...(options.delivered && { delivered: options.delivered }),
      log,
      counters,
      random: countingRandom(),
      timers,
    }),
    time,
    counters,
    log,
    loops,
    out,
    pressed,
    snapshot: open(),
    bodies: false,
  }
  return rig
}

/** What an attached component link says of itself. */
export const asComponent = ({ name, domain }: ComponentLink = linkRow()) => ({
  name,
  domain,
  evidence: { kind: 'component' as const, link: name },
})
