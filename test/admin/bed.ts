import { join } from 'node:path'
import { parse } from 'yaml'
import type { Admin } from '../../src/admin/admin.ts'
import type { AdminProblem, Answer } from '../../src/admin/problem.ts'
import type { RequestOf } from '../../src/admin/requests.ts'
import { type AdminDeps, createAdmin } from '../../src/admin/service.ts'
import type { AdminStore } from '../../src/admin/store.ts'
import { rowForms } from '../../src/config/row-forms.ts'
import type { SourceRows } from '../../src/federation/sources.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { TimerWheel } from '../../src/kernel/timer-wheel.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import { tempDir } from '../support/temp.ts'

/** What the file of the tests says. */
export const FILE = `
homes:
  - { name: main, nextHop: 'sip:127.0.0.1:5070;transport=udp' }
servedDomains:
  - { name: sip.example, home: main, links: [prosody] }
links:
  - { name: prosody, kind: component, host: 127.0.0.1, domain: sip.example, secret: { env: A }, remote: any }
providers:
  - { name: Filed, type: partner, protocol: xmpp, domains: [filed.example], link: prosody }
users:
  - { user: nurse@sip.example }
contacts:
  - { user: romeo@sip.example, allow: [juliet@xmpp.example] }
publicIm: true
`

export function fileRows(section = FILE): SourceRows {
  const read = rowForms.read(parse(section) ?? {})
  if (!read.ok) throw new Error(JSON.stringify(read.error))
  return read.value.rows
}

export interface AdminBed extends AsyncDisposable {
  readonly admin: Admin
  readonly store: Store
  /** Another file is read, as on SIGHUP. */
  useFile(rows: SourceRows): void
  /** The value, or a failure that shows the problem. */
  change(
    change: RequestOf<'change'>['change'],
    more?: Partial<RequestOf<'change'>>,
  ): Promise<readonly string[]>
  refused(change: RequestOf<'change'>['change'], more?: Partial<RequestOf<'change'>>): Promise<AdminProblem>
}

/** Administration on an SQLite store of its own. */
export async function adminBed(more: Partial<AdminDeps> = {}): Promise<AdminBed> {
  const directory = await tempDir('admin')
  const opened = await openStore(
    { kind: 'sqlite', path: join(directory.path, 'federation.db') },
    {
      clock: systemClock,
      timers: new TimerWheel({ clock: systemClock }),
      onFault: (error) => {
        throw error
      },
    },
  )
  if (!opened.ok) throw new Error(opened.error.message)
  let rows = fileRows()
  const admin = createAdmin({
    store: opened.value,
    fileRows: () => rows,
    file: '/etc/dragoman/gateway.config.yaml',
    forms: rowForms,
    clock: systemClock,
    version: '1.2.3',
    ...more,
  })
  return {
    admin,
    store: opened.value,
    useFile: (next) => {
      rows = next
    },
    async change(spec, rest) {
      const { changes } = must(await admin.change({ as: 'alice', change: spec, ...rest }))
      return changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`)
    },
    async refused(spec, rest) {
      const answer = await admin.change({ as: 'alice', change: spec, ...rest })
      if (answer.ok) throw new Error(`not refused: ${JSON.stringify(answer.value)}`)
      return answer.error
    },
    async [Symbol.asyncDispose]() {
      await opened.value.close()
      await directory[Symbol.asyncDispose]()
    },
  }
}

export function must<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(JSON.stringify(answer.error))
  return answer.value
}

/** The same store, but for these. */
export const except = (store: AdminStore, own: Partial<AdminStore>): AdminStore =>
  new Proxy(store, {
    get(target, key) {
      const value: unknown = Reflect.get(key in own ? own : target, key)
      return typeof value === 'function' && !(key in own) ? value.bind(target) : value
    },
  })

/** A provider that can stand beside the file's rows. */
export const PARTNER = {
  do: 'add',
  object: 'provider',
  name: 'Partner',
  fields: { type: 'partner', protocol: 'xmpp', domains: ['partner.example'], link: 'prosody' },
} as const satisfies RequestOf<'change'>['change']
