import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { connectAdmin } from '../../src/admin/client.ts'
import { openStore, type StorePlace } from '../../src/store/open.ts'
import { storeOptions } from '../compliance/bed.ts'
import { address, must } from '../federation/fixtures.ts'
import { dragoman, gatewayConfig, startDragoman } from '../support/dragoman.ts'
import { freePort } from '../support/ports.ts'
import { startPostgres } from '../support/postgres.ts'
import { tempDir } from '../support/temp.ts'

const JULIET = 'juliet@xmpp.example'
const ROMEO = 'romeo@sip.example'

/** A database that several processes share. */
interface Shared extends AsyncDisposable {
  /** The section `store` of the configuration. */
  readonly section: object
  readonly place: StorePlace
}

async function sqlite(): Promise<Shared> {
  const directory = await tempDir('shared')
  const path = join(directory.path, 'federation.db')
  const dispose = () => directory[Symbol.asyncDispose]()
  return { section: { sqlite: path }, place: { kind: 'sqlite', path }, [Symbol.asyncDispose]: dispose }
}

async function postgresql(): Promise<Shared> {
  const server = await startPostgres()
  const { host, port, database, user } = server
  const section = { postgres: { host, port, database, user } }
  const dispose = () => server[Symbol.asyncDispose]()
  return {
    section,
    place: { kind: 'postgresql', host, port, database, user },
    [Symbol.asyncDispose]: dispose,
  }
}

/** A running gateway at level `contacts`, and commands that work on its store as if it were not there. */
async function bed(shared: Shared) {
  const directory = await tempDir('other-process')
  const { config } = await gatewayConfig({ componentPort: await freePort(), homePort: await freePort() })
  const text = stringify(config).replace('verification: all', 'verification: contacts')
  const fileOf = async (name: string): Promise<string> => {
    const file = join(directory.path, `${name}.yaml`)
    const socket = join(directory.path, `${name}.sock`)
    await writeFile(file, text + stringify({ store: shared.section, admin: { socket } }))
    return file
  }
  const [own, other] = [await fileOf('gateway'), await fileOf('nobody')]
  const gateway = await startDragoman({
    config:
      text + stringify({ store: shared.section, admin: { socket: join(directory.path, 'gateway.sock') } }),
    configFile: own,
    env: { DRAGOMAN_PROSODY_SECRET: 'swordfish' },
  })
  const gatewayAdmin = must(await connectAdmin(join(directory.path, 'gateway.sock')))
  if (gatewayAdmin === undefined) throw new Error('the gateway does not answer')
  return {
    /** What the running gateway says of a message from Juliet to Romeo. */
    async verdict(): Promise<string> {
      const { verdict } = must(await gatewayAdmin.explain({ from: JULIET, to: ROMEO, kind: 'message' }))
      return verdict.outcome === 'refuse' ? verdict.reason : verdict.outcome
    },
    async elsewhere(...args: readonly string[]): Promise<void> {
      const ended = await dragoman([...args, '--config', other])
      expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining('no gateway answers at') })
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop()
      await directory[Symbol.asyncDispose]()
    },
  }
}

describe.each([
  ['SQLite', sqlite],
  ['PostgreSQL', postgresql],
] as const)('a gateway on %s acts by itself on what another process', (_, share) => {
  test('changes: contacts, users, rows, marks of a suspension', async () => {
    await using shared = await share()
    await using at = await bed(shared)
    expect(await at.verdict()).toBe('not-a-contact')
    for (const [args, then] of [
      [['contact', 'add', ROMEO, 'allow', JULIET], 'deliver'],
      [['user', 'add', ROMEO, '--enabled', 'off'], 'user-disabled'],
      [['user', 'enable', ROMEO], 'deliver'],
      [['provider', 'suspend', 'Example XMPP'], 'suspended'],
      [['domain', 'add', 'xmpp.example', '--kind', 'blocked'], 'domain-blocked'],
    ] as const) {
      await at.elsewhere(...args)
      await expect.poll(at.verdict, { message: args.join(' ') }).toBe(then)
    }
  })

  test('learns, and takes back', async () => {
    await using shared = await share()
    await using at = await bed(shared)
    const opened = await openStore(shared.place, storeOptions())
    if (!opened.ok) throw new Error(opened.error.message)
    await using store = opened.value
    expect(await at.verdict()).toBe('not-a-contact')
    store.learn(address(ROMEO), address(JULIET), { lifetime: 1e9, perUser: 9 })
    await expect.poll(at.verdict).toBe('deliver')
    store.unlearn(address(ROMEO), address(JULIET))
    await expect.poll(at.verdict).toBe('not-a-contact')
  })
})
