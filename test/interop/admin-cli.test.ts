import { existsSync, statSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import SqliteConnection from 'better-sqlite3'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { dragoman, gatewayConfig, startDragoman } from '../support/dragoman.ts'
import { freePort } from '../support/ports.ts'
import type { Finished } from '../support/process.ts'
import { tempDir } from '../support/temp.ts'

interface Bed extends AsyncDisposable {
  readonly directory: string
  readonly configFile: string
  readonly socket: string
  readonly config: object
  start(): ReturnType<typeof startDragoman>
  /** The command, as a shell would run it: without the gateway's secrets. */
  cli(...args: readonly string[]): Promise<Finished>
}

async function bed(): Promise<Bed> {
  const directory = await tempDir('admin-cli')
  const { config } = await gatewayConfig({ componentPort: await freePort(), homePort: await freePort() })
  const configFile = join(directory.path, 'gateway.config.yaml')
  const whole = { ...config, store: { sqlite: 'federation.db' } }
  await writeFile(configFile, stringify(whole))
  return {
    directory: directory.path,
    configFile,
    socket: join(directory.path, 'admin.sock'),
    config: whole,
    start: () => startDragoman({ config: whole, configFile, env: { DRAGOMAN_PROSODY_SECRET: 'swordfish' } }),
    cli: (...args) =>
      dragoman([...args, '--config', configFile], { env: { USER: 'alice', SUDO_USER: 'alice' } }),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}

const EXPLAIN = ['explain', '--from', 'juliet@spam.example', '--to', 'romeo@sip.example', '--json']

function reasonOf({ stdout, stderr }: Finished): string {
  if (stdout === '') throw new Error(`explain said nothing: ${stderr}`)
  return JSON.parse(stdout).verdict.reason
}

test('a change is in force in the running gateway when the command ends', async () => {
  await using at = await bed()
  await using gateway = await at.start()
  expect(reasonOf(await at.cli(...EXPLAIN))).toBe('domain-unknown')
  const blocked = await at.cli('domain', 'add', 'spam.example', '--kind', 'blocked')
  expect(blocked).toMatchObject({ code: 0, stderr: '' })
  expect(blocked.stdout).toContain('1 change, in force\n')
  expect(reasonOf(await at.cli(...EXPLAIN))).toBe('domain-blocked')

  const stop = await at.cli('provider', 'suspend', 'Example XMPP', '--reason', 'flood')
  expect(stop.code).toBe(0)
  const from = ['explain', '--from', 'juliet@xmpp.example', '--to', 'romeo@sip.example']
  expect((await at.cli(...from)).code).toBe(3)
  expect((await at.cli('provider', 'resume', 'Example XMPP')).code).toBe(0)
  expect((await at.cli(...from)).code).toBe(0)

  const audit = JSON.parse((await at.cli('audit', '--json')).stdout)
  expect(audit.rows.map((row: { action: string }) => row.action)).toEqual(['resume', 'suspend', 'add'])
  expect(audit.rows[0].actor).toEqual({ name: 'alice', claimed: true })
  expect((await gateway.stop()).code).toBe(0)
  expect(existsSync(at.socket)).toBe(false)
})

test('while the gateway is down the store is changed, and the gateway finds it when it starts', async () => {
  await using at = await bed()
  const blocked = await at.cli('domain', 'add', 'spam.example', '--kind', 'blocked')
  expect(blocked).toMatchObject({ code: 0, stderr: expect.stringContaining('no gateway answers at') })
  await using gateway = await at.start()
  const explained = await at.cli(...EXPLAIN)
  expect([explained.stderr, reasonOf(explained)]).toEqual(['', 'domain-blocked'])
  await gateway.kill()

  // The socket of a process that was killed is still there: no gateway listens, and the next one takes it over.
  expect(existsSync(at.socket)).toBe(true)
  const removed = await at.cli('domain', 'remove', 'spam.example')
  expect(removed).toMatchObject({ code: 0, stderr: expect.stringContaining('no gateway answers at') })
  await using _next = await at.start()
  const again = await at.cli('status')
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('the gateway runs') })
})

test('a row that was spoilt by somebody else keeps the gateway from starting, and it says which one', async () => {
  await using at = await bed()
  expect((await at.cli('domain', 'add', 'spam.example', '--kind', 'blocked')).code).toBe(0)
  const file = new SqliteConnection(join(at.directory, 'federation.db'))
  file.exec(`update rows set body = '{' where list = 'blockedDomains'`)
  file.close()
  const ended = await dragoman(['run', '--config', at.configFile], {
    env: { DRAGOMAN_PROSODY_SECRET: 'swordfish' },
  })
  expect(ended.code).toBe(1)
  expect(ended.stderr).toMatch(
    /^dragoman: cannot start: the row blockedDomains "spam\.example" in the store .*\n$/,
  )
  expect(ended.stderr).toContain('restore a backup')
})

test('a gateway that is killed while it applies a large file: the store is as before, and the command says where to look', async () => {
  await using at = await bed()
  await using gateway = await at.start()
  const rows = join(at.directory, 'rows.yaml')
  const blockedDomains = Array.from({ length: 20_000 }, (_, i) => ({ name: `d${i}.spam.example` }))
  await writeFile(rows, JSON.stringify({ federation: { blockedDomains } }))
  const applied = at.cli('apply', rows)
  // The write-ahead log grows as soon as pages of the change leave the memory, long before it is committed.
  const log = join(at.directory, 'federation.db-wal')
  const before = statSync(log).size
  await expect.poll(() => statSync(log).size, { interval: 5, timeout: 60_000 }).toBeGreaterThan(before)
  await gateway.kill()
  const ended = await applied
  expect(ended).toMatchObject({ code: 1, stdout: '' })
  expect(ended.stderr).toContain('whether all of it was done or nothing, tells: dragoman audit')
  const audit = JSON.parse((await at.cli('audit', '--json')).stdout)
  const blocked = JSON.parse((await at.cli('domain', 'list', '--kind', 'blocked', '--json')).stdout)
  expect([audit.rows.length, blocked.rows.length]).toEqual([0, 0])
  await using _next = await at.start()
  expect((await at.cli('status')).stdout).toContain('the gateway runs')
})

test('a file with rows is applied to the running gateway, whole or not at all, and comes back', async () => {
  await using at = await bed()
  await using _gateway = await at.start()
  const rows = join(at.directory, 'rows.yaml')
  const provider = (name: string, domain: string): object => ({
    ...{ name, type: 'partner', protocol: 'xmpp', domains: [domain], link: 'prosody' },
  })
  const providers = [provider('One', 'one.xmpp.example'), provider('Two', 'xmpp.example')]
  await writeFile(rows, stringify({ federation: { blockedDomains: [{ name: 'spam.example' }], providers } }))
  const refused = await at.cli('apply', rows)
  expect(refused).toMatchObject({ code: 3, stdout: '' })
  expect(refused.stderr).toContain('Example XMPP')
  expect(reasonOf(await at.cli(...EXPLAIN))).toBe('domain-unknown')

  await writeFile(rows, stringify({ federation: { blockedDomains: [{ name: 'spam.example' }] } }))
  const dry = await at.cli('apply', rows, '--dry-run')
  expect(dry.stdout).toContain('+ blocked domain spam.example\n')
  expect(reasonOf(await at.cli(...EXPLAIN))).toBe('domain-unknown')
  expect((await at.cli('apply', rows)).code).toBe(0)
  expect(reasonOf(await at.cli(...EXPLAIN))).toBe('domain-blocked')

  const exported = await at.cli('export')
  await writeFile(rows, exported.stdout)
  expect((await at.cli('apply', rows, '--prune')).stdout).toBe('nothing to do: everything is so already\n')
  expect(await readFile(at.configFile, 'utf8')).not.toContain('spam.example')
})
