import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { run } from './process.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Builds the gateway once before the interop tests (vitest's globalSetup), so that they run what would be shipped. */
export async function setup(): Promise<void> {
  await rm(`${ROOT}/dist`, { recursive: true, force: true })
  const tsc = `${ROOT}/node_modules/typescript/bin/tsc`
  const built = await run(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: ROOT,
    within: 120_000,
  })
  if (built.code !== 0) throw new Error(`the gateway does not build:\n${built.stdout}${built.stderr}`)
}
