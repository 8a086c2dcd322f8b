import { join } from 'node:path'
import { run } from './process.ts'
import { ROOT } from './root.ts'

/**
 * Builds the gateway once before the interop tests (vitest's globalSetup), so that they run what would be shipped.
 * A type error is shown but does not keep the peers' own tests from running; `scripts/test` counts it as a failure.
 */
export async function setup(): Promise<void> {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const built = await run(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: ROOT,
    within: 120_000,
  })
  if (built.code !== 0) console.error(`the gateway does not build:\n${built.stdout}${built.stderr}`)
}
