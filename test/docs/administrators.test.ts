import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config/read.ts'
import { decide } from '../../src/federation/decide.ts'
import { loadSubject } from '../../src/federation/load-subject.ts'
import type { Level, Mark, Requirement } from '../../src/federation/model.ts'
import { negotiationCheck } from '../../src/federation/negotiation.ts'
import { REQUEST_KINDS } from '../../src/federation/request.ts'
import type { Snapshot } from '../../src/federation/snapshot.ts'
import { STEP_NAMES } from '../../src/federation/verdict.ts'
import { address, domain } from '../federation/fixtures.ts'

const page = readFileSync(new URL('../../docs/administrators.md', import.meta.url), 'utf8')

const example = (name: string): string =>
  new RegExp(`\`\`\`yaml config=${name}\\n(.*?)\`\`\``, 's').exec(page)?.[1] ?? ''

function read(text: string): Snapshot {
  // Without the files that it names: certificates and keys.
  const config = readConfig(text, 'gateway.config.yaml', undefined)
  if (!config.ok) throw new Error(JSON.stringify(config.error))
  return config.value.federation
}

/** The rows below a table's head, cell by cell. */
const rowsBelow = (head: string): readonly (readonly string[])[] => {
  const lines = page.split('\n')
  const first = lines.indexOf(head) + 2
  const end = lines.findIndex((line, index) => index > first && !line.startsWith('|'))
  return lines.slice(first, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

test.for([...page.matchAll(/config=(\w+)/g)].map(([, name]) => name ?? ''))(
  'the example "%s" is valid',
  (name) => {
    expect(read(example(name))).toBeDefined()
  },
)

test('the steps are those of the code, in its order', () => {
  expect(rowsBelow('| step | question | in | out |').map(([name]) => name)).toEqual(
    STEP_NAMES.map((name) => `\`${name}\``),
  )
})

describe('the table of levels is what the rules say', () => {
  const LEVELS = ['verified', 'contacts', 'all'] as const satisfies readonly Level[]
  const rows = rowsBelow('| sender | recipient | mark | `verified` | `contacts` | `all` |')
  const worlds = new Map(
    LEVELS.map((level) => [
      level,
      read(example('administrators').replace('verification: verified', `verification: ${level}`)),
    ]),
  )

  test('there are rows', () => expect(rows.length).toBeGreaterThan(8))

  test.for(rows)('%s to %s, %s', ([sender, recipient, mark, ...answers]) => {
    for (const [index, level] of LEVELS.entries()) {
      const world = worlds.get(level)
      if (world === undefined) throw new Error(level)
      for (const kind of REQUEST_KINDS) {
        const request = {
          kind,
          from: address(`${sender}@partner.example`),
          to: address(`${recipient}@corp.example`),
        }
        const evidence = {
          kind: 'sip-peer' as const,
          names: [domain('edge.partner.example')],
          asserted: mark as Mark | 'absent',
        }
        const verdict = decide(request, evidence, world, loadSubject(world, request, 0))
        const said = verdict.outcome === 'deliver' ? 'delivered' : `\`${verdict.reason}\``
        expect(said, `${level}, ${kind}`).toBe(answers[index])
      }
    }
  })
})

test('the policies of the example are those of the table', () => {
  const world = read(example('policies'))
  for (const [user, policy] of rowsBelow('| user | policy | may speak with |')) {
    const request = { from: address(`${user}@corp.example`), to: address('x@partner.example') }
    expect(`\`${loadSubject(world, request, 0).policy?.name}\``).toBe(policy)
  }
})

const WORDS = { 'sasl-tls': 'SASL', 'tls-dialback': 'dialback over TLS', 'tcp-dialback': 'dialback in clear' }

test('the table of TLS, SASL and dialback is that of the code', () => {
  const rows = rowsBelow('| TLS, SASL | with dialback | without |')
  expect(rows).toHaveLength(9)
  for (const [names = '', ...cells] of rows) {
    const [tls, sasl] = names.split(', ') as [Requirement, Requirement]
    for (const [index, dialback] of [true, false].entries()) {
      const { accepted, warnings, invalid } = negotiationCheck({ tls, sasl, dialback })
      const [, said, warning] = /^([^(]*?)(?: \((warning)[^)]*\))?$/.exec(cells[index] ?? '') ?? []
      expect(said, names).toBe(
        invalid === undefined ? accepted.map((way) => WORDS[way]).join(', ') : 'refused',
      )
      expect(warning !== undefined, names).toBe(warnings.length > 0)
    }
  }
})
