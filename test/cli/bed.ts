import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cli } from '../../src/cli/cli.ts'
import { runProgram } from '../../src/cli/program.ts'
import { tempDir } from '../support/temp.ts'

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface CliBed extends AsyncDisposable {
  readonly directory: string
  /** The command in this process, as a shell would run it. */
  run(...args: readonly string[]): Promise<Ended>
  write(name: string, text: string): string
}

export const NOW = Date.UTC(2026, 10, 21, 12)

export const CONFIG = `
store: { sqlite: federation.db }
federation:
  homes:
    - { name: main, nextHop: 'sip:127.0.0.1:5070;transport=udp' }
  servedDomains:
    - { name: sip.example, home: main, links: [prosody] }
  links:
    - { name: prosody, kind: component, host: 127.0.0.1, domain: sip.example, secret: { env: NOBODY_HAS_SET_IT }, remote: any }
`

export async function cliBed(config = CONFIG): Promise<CliBed> {
  const directory = await tempDir('cli')
  const file = join(directory.path, 'gateway.config.yaml')
  writeFileSync(file, config)
  return {
    directory: directory.path,
    async run(...args) {
      const ended = { code: 0, out: '', err: '' }
      await runProgram(cliOf(ended, { DRAGOMAN_CONFIG: file, USER: 'alice' }), args)
      return ended
    },
    write(name, text) {
      const path = join(directory.path, name)
      writeFileSync(path, text)
      return path
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}

export function cliOf(ended: { code: number; out: string; err: string }, env: Cli['env']): Cli {
  // commander reads the real environment for its options.
  process.env.DRAGOMAN_CONFIG = env.DRAGOMAN_CONFIG
  return {
    version: '1.2.3',
    out: (text) => {
      ended.out += text
    },
    err: (text) => {
      ended.err += text
    },
    exit: (code) => {
      ended.code = code
    },
    env,
    now: () => NOW,
    run: () => Promise.resolve(0),
  }
}
