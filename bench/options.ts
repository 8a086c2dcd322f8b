import { parseArgs } from 'node:util'

export const HELP = `Usage: npm run bench -- [options]

  --only LIST        comma-separated beginnings of names: micro, micro/xml, presence, s2s, ceiling, xmpp-to-sip, provider-to-home
  --runs N           runs per scenario, of which the median counts (3)
  --seconds N        measured time per run, after the warm-up (5)
  --warm-up N        seconds before it (3)
  --outstanding N    messages under way (64)
  --targets N        conversations, each with a SIP target of its own (1024)
  --bytes N          size of the SIP request on the wire (600)
  --watch N          report messages and memory every N seconds: for long runs, with --runs 1 --seconds 3600
  --gateway FILE     entry script of the gateway (dist/main.js), to compare with another build
  --node-flags TEXT  flags for the gateway's Node
  --json             JSON lines only, without the table
  --short            for continuous integration: 2 s each, one run; speed is shown, never judged
  --no-build         use what was built before

Exits 1 if a message was lost, doubled, refused or out of order, or if something did not run. Never because of speed.
`

export interface Options {
  readonly only: readonly string[]
  readonly runs: number
  readonly seconds: number
  readonly warmUp: number
  readonly outstanding: number
  readonly targets: number
  readonly bytes: number
  readonly watch: number
  readonly gateway: string
  readonly nodeFlags: readonly string[]
  readonly json: boolean
  readonly short: boolean
  readonly help: boolean
}

/** Throws a `TypeError` with a sentence for what it does not know. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: '' },
      runs: { type: 'string' },
      seconds: { type: 'string' },
      'warm-up': { type: 'string' },
      outstanding: { type: 'string' },
      targets: { type: 'string' },
      bytes: { type: 'string' },
      watch: { type: 'string' },
      gateway: { type: 'string', default: 'dist/main.js' },
      'node-flags': { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
      'no-build': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const number = (name: string, text: string | undefined, fallback: number, least: number): number => {
    const value = text === undefined ? fallback : Number(text)
    if (!(value >= least)) throw new TypeError(`--${name} takes a number of at least ${least}, not "${text}"`)
    return value
  }
  const { short } = values
  return {
    only: values.only.split(',').filter((name) => name !== ''),
    runs: number('runs', values.runs, short ? 1 : 3, 1),
    seconds: number('seconds', values.seconds, short ? 2 : 5, 0.1),
    warmUp: number('warm-up', values['warm-up'], short ? 1 : 3, 0),
    outstanding: number('outstanding', values.outstanding, 64, 1),
    targets: number('targets', values.targets, 1024, 1),
    bytes: number('bytes', values.bytes, 600, 400),
    watch: number('watch', values.watch, 0, 0),
    gateway: values.gateway,
    nodeFlags: values['node-flags'].split(' ').filter((flag) => flag !== ''),
    json: values.json,
    short,
    help: values.help,
  }
}
