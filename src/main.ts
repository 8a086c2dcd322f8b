#!/usr/bin/env node
import { runProgram } from './cli/program.ts'
import { run } from './run.ts'
import { VERSION } from './version.ts'

// Whoever reads may have enough: `dragoman audit | head`.
process.stdout.on('error', (error) => {
  if ('code' in error && error.code === 'EPIPE') process.exit()
  throw error
})

await runProgram(
  {
    version: VERSION,
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    exit: (code) => {
      process.exitCode = code
    },
    env: process.env,
    now: Date.now,
    // The gateway's end is the end of the process, whatever is still open.
    run: async (config) => process.exit(await run(config)),
  },
  process.argv.slice(2),
)
