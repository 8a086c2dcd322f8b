import { readFileSync } from 'node:fs'
import { err, type Result } from '../kernel/result.ts'
import type { Config } from './config.ts'
import type { ConfigProblem } from './problem.ts'
import { readConfig } from './read.ts'
import type { Environment } from './secrets.ts'

/**
 * Reads a configuration file; one that cannot be read is a problem like any other.
 * @param env undefined: the secrets of links are not read
 */
export function loadConfig(
  file: string,
  env: Environment | undefined,
): Result<Config, readonly ConfigProblem[]> {
  const text = readText(file, '; the configuration with --config FILE')
  return text.ok ? readConfig(text.value, file, env) : text
}

/**
 * The text of a file that `--config` or an argument names.
 * @param how another one is named, for people
 */
export function readText(file: string, how = ''): Result<string, readonly ConfigProblem[]> {
  try {
    return { ok: true, value: readFileSync(file, 'utf8') }
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    const cure =
      reason === 'EISDIR'
        ? 'name a file, not a directory'
        : `name an existing file, readable by this user${how}`
    return err([{ file, line: 1, column: 1, path: '', message: `cannot be read: ${reason}`, cure }])
  }
}
