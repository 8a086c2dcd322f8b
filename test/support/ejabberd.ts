import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from './ports.ts'
import { Child } from './process.ts'
import { tempDir } from './temp.ts'

export interface EjabberdOptions {
  readonly host: string
  readonly component: { readonly domain: string; readonly secret: string }
  readonly users?: readonly { readonly name: string; readonly password: string }[]
}

export interface Ejabberd extends AsyncDisposable {
  readonly c2sPort: number
  readonly componentPort: number
  /** Starts it again, on the same port and data. */
  start(): Promise<void>
  /** SIGKILL: no goodbye. */
  kill(): Promise<void>
}

/**
 * A real ejabberd on 127.0.0.1 with its own directory. The Erlang machine is started directly: `ejabberdctl` would change
 * the user and need its node name for itself.
 */
export async function startEjabberd(options: EjabberdOptions): Promise<Ejabberd> {
  const temporary = await tempDir('ejabberd')
  const { path } = temporary
  const [componentPort, c2sPort] = (await freePorts(2)) as [number, number]
  const config = join(path, 'ejabberd.yml')
  const log = join(path, 'ejabberd.log')
  await mkdir(join(path, 'spool'))
  await writeFile(config, configuration(options, componentPort, c2sPort))
  const libraries = await installed()

  let child: Child | undefined
  const start = async (): Promise<void> => {
    const place = `"${join(path, 'spool')}"`
    const users = ['-eval', registration(options)]
    child = new Child('erl', ['-noinput', '-mnesia', 'dir', place, '-s', 'ejabberd', ...users], {
      cwd: path,
      name: 'ejabberd',
      env: { HOME: path, ERL_LIBS: libraries, EJABBERD_CONFIG_PATH: config, EJABBERD_LOG_PATH: log },
    })
    try {
      await child.line(/Start accepting TCP connections at/, { within: 30_000 })
      await child.line(/^users registered$/, { within: 30_000 })
    } catch (cause) {
      await child.kill()
      throw new Error(`ejabberd did not start:\n${child.tail()}`, { cause })
    }
  }
  const kill = async (): Promise<void> => {
    await child?.kill()
    child = undefined
  }
  try {
    await start()
  } catch (error) {
    await temporary[Symbol.asyncDispose]()
    throw error
  }
  return {
    c2sPort,
    componentPort,
    start,
    kill,
    async [Symbol.asyncDispose]() {
      await kill()
      await temporary[Symbol.asyncDispose]()
    },
  }
}

/** What Erlang evaluates once ejabberd runs. */
function registration({ host, users = [] }: EjabberdOptions): string {
  const binary = (text: string): string => `<<${JSON.stringify(text)}/utf8>>`
  const calls = users.map(
    ({ name, password }) =>
      `ejabberd_auth:try_register(${binary(name)}, ${binary(host)}, ${binary(password)})`,
  )
  return `${[...calls, 'io:format("users registered~n")'].join(', ')}.`
}

/** Debian puts the application under the architecture's library directory. */
async function installed(): Promise<string> {
  for (const name of await readdir('/usr/lib')) {
    const directory = join('/usr/lib', name)
    const entries = await readdir(directory).catch(() => [])
    if (entries.some((entry) => entry.startsWith('ejabberd-'))) return directory
  }
  throw new Error('ejabberd is not installed')
}

function configuration({ host, component }: EjabberdOptions, port: number, c2sPort: number): string {
  return [
    `hosts: [${JSON.stringify(host)}]`,
    'loglevel: info',
    'listen:',
    `  - { port: ${port}, ip: "127.0.0.1", module: ejabberd_service, access: all, hosts: { ${JSON.stringify(component.domain)}: { password: ${JSON.stringify(component.secret)} } } }`,
    `  - { port: ${c2sPort}, ip: "127.0.0.1", module: ejabberd_c2s, access: all }`,
    'modules: { mod_disco: {}, mod_ping: {} }',
    '',
  ].join('\n')
}
