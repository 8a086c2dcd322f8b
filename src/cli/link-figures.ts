import type { StreamFigures, StreamsFigures, TroubledFigures } from '../admin/link-figures.ts'
import type { Json } from '../admin/store.ts'
import { table } from './table.ts'
import { fieldsOf } from './values.ts'

type Line = readonly [key: string, text: string]

/** Not counters. */
const FACTS = new Map([
  ['address', 'server'],
  ['liveSeconds', 'live for'],
  ['lastError', 'last error'],
])

/** Of a component: how it stands, then what was counted. */
export function linesOfComponent(figures: Json): readonly Line[] {
  const lines = fieldsOf(figures)
  const facts = lines.flatMap(([key, text]): Line[] => {
    const name = FACTS.get(key)
    if (name === undefined) return []
    return [[name, key === 'liveSeconds' ? textOfAge(Number(text)) : text]]
  })
  return [
    ...lines.filter(([key]) => key === 'state'),
    ...facts,
    ...lines
      .filter(([key]) => key !== 'state' && !FACTS.has(key))
      .map(([key, text]): Line => [`counted: ${key}`, text]),
  ]
}

export const isOfStreams = (figures: Json | undefined): boolean =>
  typeof figures === 'object' && figures !== null && 'streams' in figures

/** Of a link from server to server, before its tables. */
export const linesOfStreams = ({ state, count, counters }: StreamsFigures): readonly Line[] => [
  ['state', state],
  ['streams', `${count.in} in, ${count.out} out`],
  ['domains in trouble', String(count.troubled)],
  ...fieldsOf(counters).map(([key, text]): Line => [`counted: ${key}`, text]),
]

/** Every stream, then every domain that cannot be reached. */
export function tablesOfStreams({ streams, troubled, more }: StreamsFigures): string {
  return [
    streams.length === 0 ? '\nno streams\n' : `\n${table(STREAM, streams.map(cellsOfStream))}`,
    troubled.length === 0 ? '' : `\n${table(TROUBLE, troubled.map(cellsOfTrouble))}`,
    more ? '\nthere are more: name one with --peer\n' : '',
  ].join('')
}

const STREAM = [
  ...['PEER', 'OURS', 'OPENED', 'STATE', 'TLS', 'PROVED BY', 'AGE', 'IDLE', 'STANZAS', 'BYTES', 'ADDRESS'],
  'LAST ERROR',
]

const AUTH = {
  certificate: 'certificate',
  'dialback-tls': 'dialback over TLS',
  dialback: 'dialback in clear',
  none: 'nothing',
} as const satisfies Record<StreamFigures['auth'], string>

const cellsOfStream = (stream: StreamFigures): readonly string[] => {
  const { peer, own, direction, bidi, state, streamManagement, tls, auth, address, lastError } = stream
  const { ageSeconds, idleSeconds, stanzasIn, stanzasOut, bytesIn, bytesOut } = stream
  return [
    peer,
    own.length === 0 ? '-' : own.join(','),
    `by ${direction === 'in' ? 'them' : 'us'}${bidi ? ', both ways' : ''}`,
    streamManagement ? `${state}, acknowledged` : state,
    tls === undefined ? 'in clear' : `${tls.protocol} ${tls.cipher}`,
    AUTH[auth],
    textOfAge(ageSeconds),
    textOfAge(idleSeconds),
    `${stanzasIn} in, ${stanzasOut} out`,
    `${bytesIn} in, ${bytesOut} out`,
    address,
    lastError ?? '',
  ]
}

const TROUBLE = ['IN TROUBLE', 'FAILURES', 'TRIED AGAIN IN', 'REASON']

const cellsOfTrouble = ({ domain, failures, retryInSeconds, reason }: TroubledFigures): readonly string[] => [
  domain,
  String(failures),
  textOfAge(retryInSeconds),
  reason,
]

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const

/** Seconds in the two largest units that there are: `2d 3h`, `4m 5s`, `0s`. */
export function textOfAge(seconds: number): string {
  const first = UNITS.findIndex(([, size]) => seconds >= size)
  if (first === -1) return '0s'
  return UNITS.slice(first, first + 2)
    .map(([unit, size], index) => {
      const above = index === 0 ? Number.POSITIVE_INFINITY : (UNITS[first]?.[1] ?? 1)
      return [Math.floor((seconds % above) / size), unit] as const
    })
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}
