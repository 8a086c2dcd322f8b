import { dirname, resolve } from 'node:path'
import type { SecretPlace } from '../federation/model.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { type NamedFault, readNamed } from './named-file.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const LARGEST = 4096

/** @param configFile the path that relative secret files start from */
export function readSecret(
  reference: SecretPlace,
  configFile: string,
  env: Environment,
): Result<string, NamedFault> {
  if ('env' in reference) {
    const value = env[reference.env]
    if (value === undefined) {
      return wrong(`the environment variable ${reference.env} is not set`, `set ${reference.env}`)
    }
    return checked(value, `the environment variable ${reference.env}`)
  }
  const path = resolve(dirname(configFile), reference.file)
  const text = readNamed(path)
  return text.ok ? checked(text.value.replace(/\r?\n$/, ''), `the file ${path}`) : text
}

function checked(value: string, where: string): Result<string, NamedFault> {
  if (value === '') return wrong(`${where} is empty`, 'put the secret there')
  if (value.length > LARGEST)
    return wrong(`${where} holds more than ${LARGEST} characters`, 'put only the secret there')
  if (/[\r\n\0]/.test(value)) return wrong(`${where} holds more than one line`, 'put only the secret there')
  return ok(value)
}

const wrong = (message: string, cure: string): Result<never, NamedFault> => err({ message, cure })
