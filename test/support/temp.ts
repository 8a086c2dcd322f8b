import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TempDir extends AsyncDisposable {
  readonly path: string
}

const kept = new Set<string>()
process.on('exit', () => {
  for (const path of kept) rmSync(path, { recursive: true, force: true })
})

/** A directory of its own under the system's temporary one, removed at the end. */
export async function tempDir(name: string): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), `dragoman-${name}-`))
  kept.add(path)
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true, maxRetries: 3 })
      kept.delete(path)
    },
  }
}
