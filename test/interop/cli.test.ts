import { createSocket } from 'node:dgram'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test as plain } from 'vitest'
import { stringify } from 'yaml'
import { JULIET, ROMEO, SECRET } from '../support/bed.ts'
import { dragoman, gatewayConfig, startDragoman } from '../support/dragoman.ts'
import { freePort } from '../support/ports.ts'
import { run } from '../support/process.ts'
import { ROOT } from '../support/root.ts'
import { tempDir } from '../support/temp.ts'

const env = { DRAGOMAN_PROSODY_SECRET: SECRET }

interface Files {
  /** A configuration that is right. */
  readonly good: string
  readonly sipPort: number
  /** Writes a file beside it. */
  write(name: string, content: string | object): Promise<string>
}

const test = plain.extend<{ files: Files }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures that are needed from this pattern
  files: async ({}, use) => {
    await using directory = await tempDir('cli')
    const { config, sipPort } = await gatewayConfig({
      componentPort: await freePort(),
      homePort: await freePort(),
    })
    const write = async (name: string, content: string | object): Promise<string> => {
      const file = join(directory.path, name)
      await writeFile(file, typeof content === 'string' ? content : stringify(content))
      return file
    }
    await use({ good: await write('good.yaml', config), sipPort, write })
  },
})

const question = (file: string, ...more: string[]): string[] => ['explain', '--config', file, ...more]

test('check: one line on what the file sets up, code 0', async ({ files }) => {
  const { code, stdout, stderr } = await dragoman(['check', '--config', files.good], { env })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/good\.yaml: valid \(2 listeners, 1 home, 1 served domain, 1 link, 1 provider\)\n$/)
})

test('check --json: for scripts', async ({ files }) => {
  const good = await dragoman(['check', '--json', '--config', files.good], { env })
  expect(JSON.parse(good.stdout)).toMatchObject({ valid: true })
  const bad = await dragoman(['check', '--json', '--config', files.good])
  expect(bad.code).toBe(1)
  expect(JSON.parse(bad.stdout)).toMatchObject({
    valid: false,
    problems: [{ path: expect.stringContaining('secret'), message: expect.stringContaining('not set') }],
  })
})

test('check: an unknown key with file, line, path and cure; several problems at once', async ({ files }) => {
  const file = await files.write(
    'bad.yaml',
    'nonsense: 1\nlog: { level: loud }\nfederation: { enabled: true, homes: [], servedDomains: [] }\n',
  )
  const { code, stdout } = await dragoman(['check', '--config', file], { env })
  expect(code).toBe(1)
  expect(stdout).toMatch(/bad\.yaml:1:1: nonsense: /)
  expect(stdout).toMatch(/bad\.yaml:2:\d+: log\.level: .*trace/)
  expect(stdout).toMatch(/bad\.yaml: 2 problems\n$/)
})

test.for(['check', 'run'])('%s: a file that is not there', async (command) => {
  const { code, stdout, stderr } = await dragoman([command, '--config', '/nowhere/gateway.yaml'])
  expect(code).toBe(1)
  const said = command === 'check' ? stdout : stderr
  expect(said).toMatch(/\/nowhere\/gateway\.yaml.*cannot be read: ENOENT \(name an existing file/)
})

test('check: what is no YAML', async ({ files }) => {
  const file = await files.write('torn.yaml', 'log: { level: info\n')
  const { code, stdout } = await dragoman(['check', '--config', file])
  expect(code).toBe(1)
  expect(stdout).toMatch(/torn\.yaml:\d+:\d+: /)
  expect(stdout).not.toMatch(/\bat .*\.js/)
})

test('the file may be named by DRAGOMAN_CONFIG, and is otherwise gateway.config.yaml here', async ({
  files,
}) => {
  const named = await dragoman(['check'], { env: { ...env, DRAGOMAN_CONFIG: files.good } })
  expect(named.code).toBe(0)
  const shipped = await dragoman(['check'], { env, cwd: ROOT })
  expect(shipped.stdout).toMatch(/^gateway\.config\.yaml: valid/)
})

test('explain: what would cross is 0, what is refused 3, both with every step', async ({ files }) => {
  const yes = await dragoman(question(files.good, '--from', JULIET, '--to', `sip:${ROMEO}`), { env })
  expect(yes.code).toBe(0)
  expect(yes.stdout).toMatch(/✓ domain-proof .*\n(.*\n)*delivered/)
  const no = await dragoman(question(files.good, '--from', 'x@unknown.example', '--to', ROMEO), { env })
  expect(no.code).toBe(3)
  expect(no.stdout).toMatch(/✗ provider .*\n(.*\n)*refused: domain-unknown/)
  expect(no.stdout).toContain('SIP 404, XMPP remote-server-not-found')
})

test('explain --json has the verdict as data', async ({ files }) => {
  const { code, stdout } = await dragoman(question(files.good, '--json', '--from', ROMEO, '--to', JULIET), {
    env,
  })
  expect(code).toBe(0)
  const value = JSON.parse(stdout) as { verdict?: { outcome?: string; steps?: unknown[] } }
  expect(JSON.stringify(value)).toContain('"deliver"')
})

test('explain: a wrong question is 2, a wrong file 1', async ({ files }) => {
  const address = await dragoman(question(files.good, '--from', 'juliet', '--to', ROMEO), { env })
  expect(address.code).toBe(2)
  expect(address.stderr).toMatch(/--from: "juliet" is not an address\n.*write user@domain/)
  const file = await dragoman(question('/nowhere.yaml', '--from', JULIET, '--to', ROMEO))
  expect(file.code).toBe(1)
  expect(file.stderr).toContain('ENOENT')
})

test.for([
  ['an unknown command', ['bogus'], /unknown command 'bogus'/],
  ['no command', [], /Usage: dragoman/],
  ['a missing option', ['explain', '--from', JULIET], /required option '--to <address>' not specified/],
  [
    'an unknown kind',
    ['explain', '--from', JULIET, '--to', ROMEO, '--kind', 'letter'],
    /Allowed choices are message, presence/,
  ],
] as const)('%s: code 2, and where to look', async ([, args, said]) => {
  const { code, stderr } = await dragoman([...args])
  expect(code).toBe(2)
  expect(stderr).toMatch(said)
  expect(stderr).toMatch(/Usage: dragoman|--help lists what there is/)
})

test('a reader that has seen enough is no fault', async ({ files }) => {
  const command = `"${process.execPath}" dist/main.js explain --config "${files.good}" --from ${JULIET} --to ${ROMEO} | true`
  const { code, stderr } = await run('bash', ['-o', 'pipefail', '-c', command], { cwd: ROOT, env })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

test('run: an invalid file starts nothing and names what is wrong', async ({ files }) => {
  const file = await files.write('bad.yaml', 'nonsense: 1\n')
  const { code, stdout, stderr } = await dragoman(['run', '--config', file])
  expect(code).toBe(1)
  expect(stderr).toMatch(/bad\.yaml:1:1: nonsense: /)
  expect(stdout).toBe('')
})

test.for(['udp', 'tcp'])('run: the %s port is in use', async (transport, { files }) => {
  await taken(transport as 'udp' | 'tcp', files.sipPort)
  const { code, stderr, stdout } = await dragoman(['run', '--config', files.good], { env })
  expect(code).toBe(1)
  expect(stderr).toContain(`EADDRINUSE`)
  expect(stderr).toContain(`127.0.0.1:${files.sipPort}`)
  expect(stderr).toContain('another program uses this port: stop it, or change sip.listeners')
  expect(stderr.trim().split('\n')).toHaveLength(1)
  expect(stdout.trim().split('\n')).toHaveLength(1)
  expect(stdout + stderr).not.toContain(SECRET)
})

test('run: an address that this machine does not have', async ({ files }) => {
  const { config } = await gatewayConfig({ componentPort: 5347, homePort: 5070 })
  const text = stringify(config).replaceAll('address: 127.0.0.1', 'address: 10.255.254.253')
  const file = await files.write('elsewhere.yaml', text)
  const { code, stderr } = await dragoman(['run', '--config', file], { env })
  expect(code).toBe(1)
  expect(stderr).toMatch(/cannot start: .*EADDRNOTAVAIL.*\(this machine has no such address/)
})

test('run: SIGINT and SIGTERM both end it with code 0 and say so', async ({ files }) => {
  const { config } = await gatewayConfig({ componentPort: await freePort(), homePort: await freePort() })
  expect(files.good).toBeTruthy()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    await using gateway = await startDragoman({ config, env })
    gateway.signal(signal)
    expect(await gateway.exited).toEqual({ code: 0, signal: null })
    expect(gateway.output()).toMatch(new RegExp(`"signal":"${signal}"`))
    expect(gateway.output()).toMatch(/"finished":true.*"msg":"stopped"/)
  }
})

async function taken(transport: 'udp' | 'tcp', port: number): Promise<void> {
  if (transport === 'udp') {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve))
    onTestFinished(() => {
      socket.close()
    })
    return
  }
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
  })
}
