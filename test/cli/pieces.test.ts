import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { conflictProblem } from '../../src/admin/check.ts'
import { instant } from '../../src/cli/audit-command.ts'
import { actorOf } from '../../src/cli/cli.ts'
import { textOfAdminProblem } from '../../src/cli/exit.ts'
import { table, widthOf } from '../../src/cli/table.ts'
import { fieldsOf, textOf } from '../../src/cli/values.ts'
import { conflict } from '../../src/federation/conflicts.ts'
import { cliBed, cliOf, NOW } from './bed.ts'

test.for([
  ['abc', 3],
  ['日本', 4],
  ['e\u0301', 1],
  ['👍', 2],
  ['', 0],
] as const)('"%s" takes %i columns', ([text, width]) => {
  expect(widthOf(text)).toBe(width)
})

test('columns stand under each other, wide characters too; control characters do not reach the terminal', () => {
  expect(
    table(
      ['NAME', 'X'],
      [
        ['日本', 'a'],
        ['b\u001b[31m', 'c\u202e'],
      ],
    ),
  ).toBe('NAME    X\n日本    a\nb\ufffd[31m  c\ufffd\n')
})

test.for([
  [{ domain: 'a.example', below: true }, '*.a.example'],
  [{ user: 'romeo', domain: 'sip.example' }, 'romeo@sip.example'],
  [{ kind: 'uri', uri: 'sip:10.0.0.1' }, 'sip:10.0.0.1'],
  [{ kind: 'pair', sip: 'a', xmpp: 'b' }, 'a=b'],
  [{ kind: 'provider', provider: 'A' }, 'provider:A'],
  [{ env: 'SECRET' }, '$SECRET'],
  [['a', 'b'], 'a, b'],
  [[], 'none'],
  [true, 'yes'],
  [null, 'none'],
] as const)('%j reads as a person would write it', ([value, text]) => {
  expect(textOf(value)).toBe(text)
})

test.for([
  [{ SUDO_USER: 'alice', USER: 'root' }, 'alice'],
  [{ SUDO_USER: '', USER: 'bob' }, 'bob'],
  [{ USER: '', LOGNAME: 'carol' }, 'carol'],
] as const)('of %j, a variable that is set to nothing names nobody', ([env, name]) => {
  expect(actorOf(cliOf({ code: 0, out: '', err: '' }, env), { config: 'unused' })).toBe(name)
})

test('sections become paths, what is not set is left out', () => {
  expect(fieldsOf({ a: 1, b: { c: null, d: { e: 'x' } } })).toEqual([
    ['a', '1'],
    ['b.d.e', 'x'],
  ])
})

test.for([
  ['2h', NOW - 7_200_000],
  ['7d', NOW - 604_800_000],
  ['2026-11-01', Date.UTC(2026, 10, 1)],
  ['2026-11-01T12:00', Date.UTC(2026, 10, 1, 12)],
  ['2026-11-01T12:00+02:00', Date.UTC(2026, 10, 1, 10)],
] as const)('%s is an instant', ([text, at]) => {
  expect(instant(text, NOW)).toBe(at)
})

test.for(['', 'soon', '2026-13-01', '-2h', '12:00'])('"%s" is none', (text) => {
  expect(() => instant(text, NOW)).toThrow('Write 30m')
})

const PROBE = (line: string): string => `
COMP_WORDS=(${line}); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
_dragoman
echo "\${COMPREPLY[@]}"`

test.for([
  ['dragoman pro', 'provider'],
  ['dragoman provider se', 'set'],
  ['dragoman provider set X --verif', '--verification'],
  ['dragoman contact cl', 'clear'],
  ['dragoman setting set --dry', '--dry-run'],
] as const)('bash completes "%s" to %s', async ([line, expected]) => {
  await using bed = await cliBed()
  const script = (await bed.run('completion', 'bash')).out
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script + PROBE(line)], { encoding: 'utf8' })
  expect([stdout.trim(), stderr]).toEqual([expected, ''])
})

test.for(['zsh', 'fish'])('a script for %s names the commands', async (shell) => {
  await using bed = await cliBed()
  const { out } = await bed.run('completion', shell)
  expect(out).toContain("'provider set'")
  expect(out).toContain('verification')
})

test('of several conflicts each has its cure, once; a cure for all of them comes at the end', () => {
  const conflicts = ['one', 'two'].map((name) =>
    conflict('in-use', [], `"${name}" is in use`, `free ${name} first`),
  )
  const told = conflictProblem(conflicts)
  expect(textOfAdminProblem(told)).toBe(`dragoman: "one" is in use (and 1 more)
  "one" is in use (free one first)
  "two" is in use (free two first)
`)
  expect(textOfAdminProblem({ ...told, cure: 'apply them together' })).toMatch(/\n {2}apply them together\n$/)
})
