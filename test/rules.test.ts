import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import pino from 'pino'
import { expect, test } from 'vitest'
import type { Config } from '../src/config/config.ts'
import { readConfig } from '../src/config/read.ts'
import type { Gateway } from '../src/gateway.ts'
import { LiveConfig } from '../src/live-config.ts'
import { Rules } from '../src/rules.ts'
import { tempDir } from './support/temp.ts'

const FINE = 'federation: {}\n'
/** A link that nobody names: it stands, and does nothing. */
const DOUBTFUL = `federation:
  links:
    - { name: spare, kind: component, host: 127.0.0.1, domain: sip.example, secret: { env: SECRET }, remote: [xmpp.example] }
`
const ENV = { SECRET: 'capulet' }

test('what can stand and will hardly do what was meant is in the log, each time the file is read', async () => {
  await using directory = await tempDir('rules')
  const file = join(directory.path, 'gateway.config.yaml')
  const lines: { msg: string; warnings?: readonly string[] }[] = []
  const log = pino(
    { level: 'info' },
    new Writable({
      write(line, _encoding, done) {
        lines.push(JSON.parse(String(line)))
        done()
      },
    }),
  )
  const first = readConfig(FINE, file, ENV)
  if (!first.ok) throw new Error('the configuration is wrong')
  const taken: Config[] = []
  const gateway = { reload: async (config: Config) => void taken.push(config) } as unknown as Gateway
  const live = new LiveConfig(file, ENV, undefined)
  const rules = new Rules({ live, gateway, config: first.value, log, tellMissing: () => {} })

  await writeFile(file, FINE)
  await rules.reload()
  await writeFile(file, DOUBTFUL)
  await rules.reload()

  expect(lines.map(({ msg }) => msg)).toEqual([
    'configuration reloaded',
    'configuration taken over with warnings',
    'configuration reloaded',
  ])
  expect(lines[1]?.warnings).toEqual([expect.stringContaining('spare')])
  expect(taken).toHaveLength(2)
})
