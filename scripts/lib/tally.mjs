// Adds up vitest's JSON reports: tally.mjs DIRECTORY PROJECT... -- FAILED-CHECK...
// The last line is "N passed, N failed, N skipped"; the exit code says whether all is well.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const [directory, ...rest] = process.argv.slice(2)
const projects = rest.slice(0, rest.indexOf('--'))
const checks = rest.slice(rest.indexOf('--') + 1)

const total = { passed: 0, failed: 0, skipped: 0 }
const blame = (text) => {
  total.failed += 1
  console.log(`   failed: ${text}`)
}

for (const check of checks) blame(check)
for (const project of projects) {
  const report = reportOf(project)
  if (report === undefined) {
    blame(`${project}: no report`)
    continue
  }
  const { numPassedTests: passed, numFailedTests: failed, numTotalTests: all } = report
  total.passed += passed
  total.failed += failed
  total.skipped += all - passed - failed
  // A file that does not load has no tests to fail.
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  )
  for (const file of broken) blame(file.name)
  if (passed + failed === 0) blame(`${project}: no test ran`)
  if (!report.success && failed === 0 && broken.length === 0) blame(`${project}: an error outside the tests`)
}

console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exitCode = total.failed === 0 ? 0 : 1

function reportOf(project) {
  try {
    return JSON.parse(readFileSync(join(directory, `${project}.json`), 'utf8'))
  } catch (error) {
    console.log(`   ${project}: ${error.message}`)
    return undefined
  }
}
