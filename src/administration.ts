import { resolve } from 'node:path'
import type { AdminProblem } from './admin/problem.ts'
import { type AdminServer, startAdminServer } from './admin/server.ts'
import { createAdmin } from './admin/service.ts'
import type { Json } from './admin/store.ts'
import type { Config } from './config/config.ts'
import { rowForms } from './config/row-forms.ts'
import { adminSocket } from './config/store-place.ts'
import type { Log } from './edge/log.ts'
import type { Gateway } from './gateway.ts'

import { systemClock } from './kernel/clock.ts'
import { ok, type Result } from './kernel/result.ts'
import type { Store } from './store/store.ts'
import { VERSION } from './version.ts'

/** What administrators see of the running gateway. */
export type Administered = Pick<Gateway, 'recordOf' | 'peers' | 'linkStats' | 'linkStanding'>

export interface AdministrationOptions {
  readonly gateway: Administered
  readonly config: () => Config
  readonly store: Store | undefined
  readonly log: Log
  /** Waited for after each change: the gateway acts on it then. */
  readonly changed: () => Promise<void>
}

/** The API at the local socket, for the commands. Undefined: the configuration has none. */
export async function startAdministration(
  options: AdministrationOptions,
): Promise<Result<AdminServer | undefined, AdminProblem>> {
  const { gateway, config, store, log, changed } = options
  const { file } = config()
  const socket = adminSocket(config(), file)
  if (socket === undefined) return ok(undefined)
  const service = createAdmin({
    store,
    fileRows: () => config().rows,
    file: resolve(file),
    forms: rowForms,
    clock: systemClock,
    version: VERSION,
    snapshot: () => config().federation,
    record: (question) => gateway.recordOf(question),
    peers: gateway.peers,
    figures: (object, name, peer) => figuresOf(gateway, object, name, peer),
    standing: (link) => gateway.linkStanding(link),
    changed,
  })
  return await startAdminServer({ service, socket, log })
}

const figuresOf = (
  gateway: Administered,
  object: string,
  name: string,
  peer: string | undefined,
): Json | undefined => {
  if (object === 'provider' || object === 'domain') {
    const kind = object === 'provider' ? 'provider' : 'domain'
    return gateway.peers.countsOf({ kind, name }) as Json | undefined
  }
  if (object === 'link') return gateway.linkStats(name, peer) as Json | undefined
  return undefined
}
