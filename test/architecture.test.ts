import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { expect, test } from 'vitest'

const SRC = resolve(import.meta.dirname, '../src')

interface Room {
  /** Rooms whose files it may import, besides its own. */
  readonly rooms: readonly string[]
  /** What of Node it may import: nothing makes it pure. */
  readonly node: 'none' | 'some'
}

const pure = (...rooms: readonly string[]): Room => ({ rooms, node: 'none' })
const free = (...rooms: readonly string[]): Room => ({ rooms, node: 'some' })

/** Who may import whom. A folder that is not here does not exist. */
const ROOMS: Readonly<Record<string, Room>> = {
  kernel: free(),
  net: free('kernel'),
  xmpp: free('kernel', 'net'),
  sip: free('kernel', 'net'),
  interworking: pure('kernel', 'xmpp', 'sip'),
  federation: pure('kernel'),
  edge: pure('kernel', 'net', 'xmpp', 'sip', 'interworking', 'federation'),
  home: free('kernel', 'net', 'sip', 'federation'),
  store: free('kernel', 'federation', 'edge', 'home', 'admin'),
  admin: free('kernel', 'federation', 'edge'),
  panel: free('admin'),
  cli: free('kernel', 'admin', 'config', 'store', 'federation'),
  config: free(
    'kernel',
    'net',
    'xmpp',
    'sip',
    'interworking',
    'federation',
    'edge',
    'home',
    'store',
    'admin',
  ),
}

/** What of Node the kernel may use: functions without effects, and the one source of randomness. */
const KERNEL_NODE = new Set(['node:url', 'node:crypto'])

/** The composition root and the process: they join everything. */
const ROOT_FILES = new Set([
  'administration.ts',
  'gateway.ts',
  'live-config.ts',
  'logging.ts',
  'main.ts',
  'rules.ts',
  'run.ts',
  's2s-side.ts',
  'sip-side.ts',
  'sip-tls.ts',
  'version.ts',
  'xmpp-side.ts',
])

const MOST_LINES = 400

interface Source {
  /** From `src`, with `/`. */
  readonly path: string
  /** The folder below `src`; undefined for a root file. */
  readonly room: string | undefined
  readonly text: string
  readonly imports: readonly string[]
}

const IMPORT = /(?:^|[\s}])(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g

const sources: readonly Source[] = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
  .map((entry) => {
    const file = join(entry.parentPath, entry.name)
    const path = relative(SRC, file).split(sep).join('/')
    const text = readFileSync(file, 'utf8')
    return {
      path,
      room: path.includes('/') ? (path.split('/', 1)[0] as string) : undefined,
      text,
      imports: [...text.matchAll(IMPORT)].map((match) => match[1] as string),
    }
  })

/** The room of what a relative import names; `root` for a file directly below `src`. */
function targetOf(source: Source, specifier: string): string {
  const path = relative(SRC, resolve(SRC, dirname(source.path), specifier)).split(sep)
  return path.length === 1 ? 'root' : (path[0] as string)
}

const wrongImports = (source: Source): string[] =>
  source.imports
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => targetOf(source, specifier))
    .filter((target) => target !== source.room && !ROOMS[source.room ?? '']?.rooms.includes(target))
    .map((target) => `${source.path} → ${target}`)

test('there are sources, in many rooms, and their imports are seen', () => {
  expect(sources.length).toBeGreaterThan(100)
  expect(new Set(sources.map(({ room }) => room)).size).toBeGreaterThan(7)
  expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(300)
  const pipeline = sources.find(({ path }) => path === 'edge/pipeline.ts')
  expect(pipeline?.imports).toContain('./admit.ts')
})

test('every file lies in a room of the table, or is one of the root', () => {
  const strays = sources.filter(({ room, path }) =>
    room === undefined ? !ROOT_FILES.has(path) : ROOMS[room] === undefined,
  )
  expect(strays.map(({ path }) => path)).toEqual([])
})

test('no room imports what the table does not allow', () => {
  const rooms = sources.filter(({ room }) => room !== undefined)
  expect(rooms.flatMap(wrongImports)).toEqual([])
})

test('the table itself: sip and xmpp do not know each other, nothing knows the edge but what may', () => {
  expect(ROOMS.sip?.rooms).not.toContain('xmpp')
  expect(ROOMS.xmpp?.rooms).not.toContain('sip')
  expect(wrongImports({ path: 'sip/x.ts', room: 'sip', text: '', imports: ['../xmpp/jid.ts'] })).toEqual([
    'sip/x.ts → xmpp',
  ])
  expect(wrongImports({ path: 'edge/x.ts', room: 'edge', text: '', imports: ['../gateway.ts'] })).toEqual([
    'edge/x.ts → root',
  ])
})

test('the pure rooms import nothing of Node', () => {
  const impure = sources
    .filter(({ room }) => ROOMS[room ?? '']?.node === 'none')
    .flatMap(({ path, imports }) =>
      imports.filter((name) => name.startsWith('node:')).map((name) => `${path} → ${name}`),
    )
  expect(impure).toEqual([])
})

test('the pure rooms take clock, randomness and log as arguments', () => {
  const impure = sources
    .filter(({ room }) => ROOMS[room ?? '']?.node === 'none')
    .filter(({ text }) =>
      /\b(?:Date\.now|performance\.now|Math\.random|setTimeout|setInterval|setImmediate|process|console)\b/.test(
        text.replace(/^\s*(?:\/?\*|\/\/).*$/gm, ''),
      ),
    )
  expect(impure.map(({ path }) => path)).toEqual([])
})

test('the kernel uses of Node only what has no effects outside', () => {
  const used = sources
    .filter(({ room }) => room === 'kernel')
    .flatMap(({ imports }) => imports.filter((name) => name.startsWith('node:')))
  expect([...new Set(used)].filter((name) => !KERNEL_NODE.has(name))).toEqual([])
})

test('sip and xmpp hold no word of the product: each could be a library of its own', () => {
  const words = /dragoman|federation|interworking|served domain|provider/i
  const spoken = sources
    .filter(({ room }) => room === 'sip' || room === 'xmpp' || room === 'kernel')
    .flatMap(({ path, text }) => {
      const found = words.exec(text)
      return found === null ? [] : [`${path}: ${found[0]}`]
    })
  expect(spoken).toEqual([])
})

test(`no file has more than ${MOST_LINES} lines`, () => {
  const long = sources
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > MOST_LINES)
  expect(long).toEqual([])
})

test('relative imports name the file with its ending, packages are those of package.json', () => {
  const manifest = JSON.parse(readFileSync(resolve(SRC, '../package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>
  }
  const wrong = sources.flatMap(({ path, imports }) =>
    imports
      .filter((name) =>
        name.startsWith('.')
          ? !/\.(?:ts|json|tsx|mjs)$/.test(name)
          : !name.startsWith('node:') && manifest.dependencies[packageOf(name)] === undefined,
      )
      .map((name) => `${path} → ${name}`),
  )
  expect(wrong).toEqual([])
})

const packageOf = (name: string): string =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')
