// `npm run bench`: builds the gateway and the benchmark, then runs it. See bench/README.md.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const cache = `${root}node_modules/.cache/dragoman-bench`

/** The compiler writes its output in spite of errors; what is broken by them fails when it runs. */
function compile(project) {
  const { status } = spawnSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', project], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (status === 0) return
  process.stderr.write(`bench: ${project} has errors; going on with what was built\n`)
  process.exitCode = 1
}

if (!process.argv.includes('--help') && !process.argv.includes('--no-build')) {
  mkdirSync(cache, { recursive: true })
  // Node looks for the module type no further up than the next node_modules.
  writeFileSync(`${cache}/package.json`, '{ "type": "module" }\n')
  compile('tsconfig.build.json')
  compile('bench/tsconfig.json')
}
process.chdir(root)
await import(`${cache}/bench/main.js`)
