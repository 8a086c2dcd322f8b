// Adds up vitest's JSON reports: tally.mjs DIRECTORY PROJECT... -- FAILED-CHECK...
// Tells which tests failed, and why. The last line is "N passed, N failed, N skipped"; the exit code says whether all is
// well.
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const [directory, ...rest] = process.argv.slice(2)
const projects = rest.slice(0, rest.indexOf('--'))
const checks = rest.slice(rest.indexOf('--') + 1)

// A report that is kept only in part is kept from its end.
const SHOWN_TESTS = 20
const SHOWN_LINES = 3
const SHOWN_COLUMNS = 200

const total = { passed: 0, failed: 0, skipped: 0 }
const blame = (text) => {
  total.failed += 1
  console.log(`   failed: ${text}`)
}

for (const check of checks) blame(check)
const failures = []
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
  failures.push(...report.testResults.flatMap((file) => failuresOf(project, file)))
  // A file that does not load, or whose beforeAll fails, has no test that fails.
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed'),
  )
  for (const file of broken) {
    blame(`${project}: ${placeOf(file)}`)
    for (const line of headOf(file.message)) console.log(line)
  }
  if (passed + failed === 0) blame(`${project}: no test ran`)
  if (!report.success && failed === 0 && broken.length === 0) blame(`${project}: an error outside the tests`)
}

for (const { name, message } of failures.slice(0, SHOWN_TESTS)) {
  console.log(`   failed: ${name}`)
  for (const line of headOf(message)) console.log(line)
}
if (failures.length > SHOWN_TESTS) console.log(`   and ${failures.length - SHOWN_TESTS} more failed`)
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

function failuresOf(project, file) {
  return file.assertionResults
    .filter(({ status }) => status === 'failed')
    .map(({ ancestorTitles, title, duration, failureMessages }) => ({
      name: `${project}: ${printable([placeOf(file), ...ancestorTitles, title].join(' > '))} (${Math.round(duration ?? 0)} ms)`,
      // This is all that the report says of a time-out.
      message: failureMessages[0]?.replace(/^Error: STACK_TRACE_ERROR/, 'it took too long'),
    }))
}

function placeOf(file) {
  const path = relative(process.cwd(), file.name)
  return path.startsWith('..') ? file.name : path
}

/** The first lines of a failure's message, and the first place of its stack that is no package's. */
function headOf(message = '') {
  const lines = message.split('\n').filter((line) => line.trim() !== '')
  const stack = lines.findIndex((line) => /^ +at /.test(line))
  const said = (stack < 0 ? lines : lines.slice(0, stack)).slice(0, SHOWN_LINES)
  const places = stack < 0 ? [] : lines.slice(stack)
  const place = places.find((line) => !/node_modules|node:internal/.test(line))?.trim()
  const short = place?.replace(`${process.cwd()}/`, '')
  return [...said, ...(short === undefined ? [] : [short])].map((line) => `      ${printable(line)}`)
}

/** Titles and messages may hold what a test sent: colours, NUL, a very long line. */
function printable(text) {
  const plain = text.replace(/\u001b\[[0-9;]*m/g, '').replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd')
  return plain.length > SHOWN_COLUMNS ? `${plain.slice(0, SHOWN_COLUMNS)}…` : plain
}
