import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { run } from '../support/process.ts'
import { ROOT } from '../support/root.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dragoman-tally-'))
})
afterEach(() => rm(directory, { recursive: true }))

const file = (status: string, tests: number) => ({
  name: `${status}.test.ts`,
  status,
  assertionResults: Array.from({ length: tests }, () => ({})),
})
const report = (passed: number, failed: number, skipped: number, files: object[] = [file('passed', 1)]) => ({
  numPassedTests: passed,
  numFailedTests: failed,
  numTotalTests: passed + failed + skipped,
  success: failed === 0,
  testResults: files,
})

test.for([
  ['all is well', report(3, 0, 0), report(2, 0, 0), [], '5 passed, 0 failed, 0 skipped', 0],
  ['skipped tests are told', report(3, 0, 1), report(2, 0, 0), [], '5 passed, 0 failed, 1 skipped', 0],
  ['one failed', report(3, 1, 0), report(2, 0, 0), [], '5 passed, 1 failed, 0 skipped', 1],
  ['a check failed', report(3, 0, 0), report(2, 0, 0), ['lint'], '5 passed, 1 failed, 0 skipped', 1],
  ['a project ran nothing', report(3, 0, 0), report(0, 0, 0), [], '3 passed, 1 failed, 0 skipped', 1],
  ['a project has no report', report(3, 0, 0), undefined, [], '3 passed, 1 failed, 0 skipped', 1],
  [
    'a file does not load',
    report(3, 0, 0, [file('passed', 3), file('failed', 0)]),
    report(2, 0, 0),
    [],
    '5 passed, 1 failed, 0 skipped',
    1,
  ],
  [
    'an error outside the tests',
    { ...report(3, 0, 0), success: false },
    report(2, 0, 0),
    [],
    '5 passed, 1 failed, 0 skipped',
    1,
  ],
] as const)('%s', async ([, unit, interop, checks, line, code]) => {
  await writeFile(join(directory, 'unit.json'), JSON.stringify(unit))
  if (interop) await writeFile(join(directory, 'interop.json'), JSON.stringify(interop))
  const tally = join(ROOT, 'scripts/lib/tally.mjs')
  const said = await run(process.execPath, [tally, directory, 'unit', 'interop', '--', ...checks])
  expect(said.stdout.trimEnd().split('\n').at(-1)).toBe(line)
  expect(said.code).toBe(code)
})

describe('which tests failed', () => {
  const failed = (title: string, message: string) => ({
    ancestorTitles: ['a room'],
    title,
    status: 'failed',
    duration: 51.8,
    failureMessages: [message],
  })
  const tally = async (files: readonly { readonly assertionResults: readonly object[] }[]) => {
    const count = files.flatMap(({ assertionResults }) => assertionResults).length
    const text = JSON.stringify({ ...report(0, count, 0), testResults: files })
    await writeFile(join(directory, 'unit.json'), text)
    const said = await run(process.execPath, [join(ROOT, 'scripts/lib/tally.mjs'), directory, 'unit', '--'], {
      cwd: ROOT,
    })
    return said.stdout.trimEnd().split('\n')
  }
  const files = (...assertionResults: object[]) => [
    { name: join(ROOT, 'test/some.test.ts'), status: 'failed', assertionResults },
  ]

  test('each by its file and titles, with the first lines of its message and its place', async () => {
    const stack = `\n    at poll (file:///x/node_modules/y.js:1:2)\n    at ${ROOT}/test/some.test.ts:3:4\n    at z:5:6`
    expect(await tally(files(failed('one', `AssertionError: 2, not 1\n\nb\nc\nd${stack}`)))).toEqual([
      '   failed: unit: test/some.test.ts > a room > one (52 ms)',
      '      AssertionError: 2, not 1',
      '      b',
      '      c',
      '      at test/some.test.ts:3:4',
      '0 passed, 1 failed, 0 skipped',
    ])
  })

  test('a time-out is called one', async () => {
    const [, message] = await tally(files(failed('one', 'Error: STACK_TRACE_ERROR\n    at task (x:1:2)')))
    expect(message).toBe('      it took too long')
  })

  test('twenty of them, and how many more', async () => {
    const lines = await tally(files(...Array.from({ length: 23 }, (_, index) => failed(`t${index}`, 'no'))))
    expect(lines.filter((line) => line.includes(' > '))).toHaveLength(20)
    expect(lines.slice(-2)).toEqual(['   and 3 more failed', '0 passed, 23 failed, 0 skipped'])
  })

  test('what a test sent does not reach the terminal', async () => {
    const lines = await tally(
      files(failed('\u001b[31mred\u0000\r\n1 passed', `\u001b]0;x\u0007${'long'.repeat(999)}`)),
    )
    expect(lines).toHaveLength(3)
    expect(lines.join('')).toMatch(/^[^\p{Cc}]*$/u)
    expect(lines[1]?.length).toBeLessThan(220)
  })

  test('a file that does not load, or whose hook fails, by its name', async () => {
    const unloaded = { ...files()[0], assertionResults: [], message: 'Cannot find module' }
    const hooked = { ...files({ status: 'skipped' })[0], name: 'hooked.test.ts', message: '' }
    const text = { ...report(0, 0, 1), success: false, testResults: [unloaded, hooked, file('passed', 1)] }
    await writeFile(
      join(directory, 'unit.json'),
      JSON.stringify({ ...text, numPassedTests: 1, numTotalTests: 2 }),
    )
    const said = await run(process.execPath, [join(ROOT, 'scripts/lib/tally.mjs'), directory, 'unit', '--'], {
      cwd: ROOT,
    })
    expect(said.stdout.trimEnd().split('\n')).toEqual([
      '   failed: unit: test/some.test.ts',
      '      Cannot find module',
      '   failed: unit: hooked.test.ts',
      '1 passed, 2 failed, 1 skipped',
    ])
  })
})
