import { readFileSync } from 'node:fs'
import { err, ok, type Result } from '../kernel/result.ts'

/** What is wrong with what the configuration names, and what to do about it. */
export interface NamedFault {
  readonly message: string
  readonly cure: string
}

const CURES: Readonly<Record<string, string>> = {
  ENOENT: 'create the file, or correct the path',
  EACCES: 'let the user that Dragoman runs as read it',
  EISDIR: 'name a file, not a directory',
}

/** The text of a file that the configuration names. @param path absolute */
export function readNamed(path: string): Result<string, NamedFault> {
  try {
    return ok(readFileSync(path, 'utf8'))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'an unknown error'
    return err({
      message: `the file ${path} cannot be read (${code})`,
      cure: CURES[code] ?? 'make the file readable',
    })
  }
}
