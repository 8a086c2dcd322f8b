import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
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
