import { readFileSync } from 'node:fs'

interface Manifest {
  readonly version: string
}

/** The version in `package.json`, which lies beside `src` and beside `dist`. */
export const VERSION = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as Manifest
).version
