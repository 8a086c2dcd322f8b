import { err, ok, type Result } from '../kernel/result.ts'
import { paramsText, parseParams, splitList, trimSpace } from './scan.ts'
import type { Params } from './uri.ts'
import { parseHostPort } from './uri-parse.ts'

/** One hop (RFC 3261 §20.42). */
export interface Via {
  /** As written, without spaces: `SIP/2.0`. */
  readonly protocol: string
  /** In upper case: `UDP`, `TCP`, `TLS`, or any other token. */
  readonly transport: string
  /** Lower case; an IPv6 reference keeps its brackets. */
  readonly host: string
  readonly port: number | undefined
  readonly params: Params
}

export type ViaError = 'bad-via'

const HEAD =
  /^([A-Za-z0-9\-.!%*_+`'~]+)[ \t]*\/[ \t]*([A-Za-z0-9\-.!%*_+`'~]+)[ \t]*\/[ \t]*([A-Za-z0-9\-.!%*_+`'~]+)[ \t]+([^ \t;:[\]]+|\[[^\]]*\])[ \t]*(?::[ \t]*([0-9]+)[ \t]*)?(?=;|$)/

/** One `via-parm`. */
export function parseOneVia(text: string): Result<Via, ViaError> {
  return parsePlain(text) ?? parseSpaced(text)
}

/** As nearly everybody writes it, several times faster; undefined where it must be looked at closely. */
function parsePlain(text: string): Result<Via, ViaError> | undefined {
  const transport = PLAIN.find((name) => text.startsWith(name, 8))
  if (transport === undefined || !text.startsWith('SIP/2.0/')) return undefined
  const start = 9 + transport.length
  const semicolon = text.indexOf(';', start)
  const end = semicolon < 0 ? text.length : semicolon
  if (text.charCodeAt(start - 1) !== 0x20) return undefined
  const place = parseHostPort(text.slice(start, end))
  const params = place.ok ? parseParams(text, end) : undefined
  if (!place.ok || params === undefined) return undefined
  const { host, port } = place.value
  return ok({ protocol: 'SIP/2.0', transport, host, port, params })
}

const PLAIN = ['UDP', 'TCP', 'TLS'] as const

function parseSpaced(text: string): Result<Via, ViaError> {
  const head = HEAD.exec(text)
  if (head === null) return err('bad-via')
  const place = parseHostPort(head[5] === undefined ? (head[4] as string) : `${head[4]}:${head[5]}`)
  if (!place.ok) return err('bad-via')
  const params = parseParams(text, head[0].length)
  if (params === undefined) return err('bad-via')
  return ok({
    protocol: `${head[1]}/${head[2]}`,
    transport: (head[3] as string).toUpperCase(),
    host: place.value.host,
    port: place.value.port,
    params,
  })
}

/** All hops of one header field line. */
export function parseVia(value: string): Result<readonly Via[], ViaError> {
  const parts = splitList(value)
  if (parts === undefined) return err('bad-via')
  const hops: Via[] = []
  for (const part of parts) {
    const via = parseOneVia(part)
    if (!via.ok) return via
    hops.push(via.value)
  }
  return ok(hops)
}

/** Cuts the first element off a list: `[first, rest or undefined]`. Via has no angle brackets; quotes are respected. */
export function splitFirst(value: string): readonly [first: string, rest: string | undefined] {
  const comma = value.indexOf(',')
  if (comma < 0) return [value, undefined]
  if (!value.includes('"')) return [trimSpace(value.slice(0, comma)), trimSpace(value.slice(comma + 1))]
  const parts = splitList(value)
  if (parts === undefined || parts.length < 2) return [value, undefined]
  return [parts[0] as string, parts.slice(1).join(', ')]
}

/** The list with another first element. */
export function withFirst(value: string, first: string): string {
  const rest = splitFirst(value)[1]
  return rest === undefined ? first : `${first}, ${rest}`
}

export function viaText(via: Via): string {
  const port = via.port === undefined ? '' : `:${via.port}`
  return `${via.protocol}/${via.transport} ${via.host}${port}${paramsText(via.params)}`
}

/** What can be saved of a hop with malformed parameters, so that its request can be answered (RFC 4475 §3.1.2.1). */
export function sentByOnly(text: string): string | undefined {
  const head = HEAD.exec(text)
  if (head === null) return undefined
  const via = parseOneVia(trimSpace(head[0]))
  return via.ok ? viaText(via.value) : undefined
}
