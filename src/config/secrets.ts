import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { SecretPlace } from '../federation/model.ts'
import { err, ok, type Result } from '../kernel/result.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface SecretError {
  readonly message: string
  readonly cure: string
}

const LARGEST = 4096

/** @param configFile the path that relative secret files start from */
export function readSecret(
  reference: SecretPlace,
  configFile: string,
  env: Environment,
): Result<string, SecretError> {
  if ('env' in reference) {
    const value = env[reference.env]
    if (value === undefined) {
      return wrong(`the environment variable ${reference.env} is not set`, `set ${reference.env}`)
    }
    return checked(value, `the environment variable ${reference.env}`)
  }
  const path = resolve(dirname(configFile), reference.file)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'an unknown error'
    return wrong(`the file ${path} cannot be read (${code})`, CURES[code] ?? 'make the file readable')
  }
  return checked(text.replace(/\r?\n$/, ''), `the file ${path}`)
}

const CURES: Readonly<Record<string, string>> = {
  ENOENT: 'create the file, or correct the path',
  EACCES: 'let the user that Dragoman runs as read it',
  EISDIR: 'name a file, not a directory',
}

function checked(value: string, where: string): Result<string, SecretError> {
  if (value === '') return wrong(`${where} is empty`, 'put the secret there')
  if (value.length > LARGEST)
    return wrong(`${where} holds more than ${LARGEST} characters`, 'put only the secret there')
  if (/[\r\n\0]/.test(value)) return wrong(`${where} holds more than one line`, 'put only the secret there')
  return ok(value)
}

const wrong = (message: string, cure: string): Result<never, SecretError> => err({ message, cure })
