import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Admin } from '../admin/admin.ts'
import { connectAdmin } from '../admin/client.ts'
import { type AdminProblem, type Answer, problem, refuse } from '../admin/problem.ts'
import { createAdmin } from '../admin/service.ts'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { textOfProblem } from '../config/problem.ts'
import { rowForms } from '../config/row-forms.ts'
import { adminSocket, storePlace } from '../config/store-place.ts'
import { systemClock } from '../kernel/clock.ts'
import { err, ok } from '../kernel/result.ts'
import { TimerWheel } from '../kernel/timer-wheel.ts'
import { openStore } from '../store/open.ts'
import type { Store } from '../store/store.ts'

/** Administration for one command: that of the running gateway, or our own on the store and the file. */
export interface Session extends AsyncDisposable {
  readonly admin: Admin
  readonly where: 'gateway' | 'store' | 'file'
  /** Where a gateway would answer; undefined: the configuration names no such place. */
  readonly socket: string | undefined
}

export interface SessionOptions {
  readonly config: string
  /** A socket to use whatever the configuration says. */
  readonly socket?: string | undefined
  readonly version: string
  /** Told what a person should know: that no gateway answers, that it runs on another file. */
  readonly tell: (text: string) => unknown
}

export async function openSession(options: SessionOptions): Promise<Answer<Session>> {
  if (options.socket !== undefined) return await onlyGateway(options.socket)
  const config = loadConfig(options.config, undefined)
  if (!config.ok) return err(configProblem(config.error.map(textOfProblem)))
  const socket = adminSocket(config.value, options.config)
  if (socket !== undefined) {
    const connected = await connectAdmin(socket)
    if (!connected.ok) return connected
    if (connected.value !== undefined) {
      await compareFiles(connected.value, options)
      return ok(ofGateway(connected.value, socket))
    }
  }
  return await ownSession(config.value, socket, options)
}

const ofGateway = (admin: Admin, socket: string): Session => ({
  admin,
  where: 'gateway',
  socket,
  [Symbol.asyncDispose]: async () => {},
})

const configProblem = (lines: readonly string[]): AdminProblem => ({
  ...problem('internal', 'the configuration is wrong', lines.join('\n  ')),
})

async function onlyGateway(socket: string): Promise<Answer<Session>> {
  const connected = await connectAdmin(socket)
  if (!connected.ok) return connected
  return connected.value === undefined
    ? refuse('unreachable', `no gateway listens at ${socket}`, 'start it, or leave out --socket')
    : ok(ofGateway(connected.value, socket))
}

/** Two gateways on one machine, or a command in the wrong directory. */
async function compareFiles(admin: Admin, { config, tell }: SessionOptions): Promise<void> {
  const status = await admin.status({})
  if (!status.ok || samePath(status.value.file, config)) return
  tell(`the gateway that answers runs on ${status.value.file}, not on ${resolve(config)}`)
}

function samePath(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other)
  } catch {
    return resolve(one) === resolve(other)
  }
}

async function ownSession(
  config: Config,
  socket: string | undefined,
  options: SessionOptions,
): Promise<Answer<Session>> {
  const place = storePlace(config, options.config, process.env)
  if (!place.ok) return refuse('store-failed', `store: ${place.error.message}`, place.error.cure)
  let store: Store | undefined
  if (place.value !== undefined) {
    const opened = await openStore(place.value, {
      clock: systemClock,
      timers: new TimerWheel({ clock: systemClock }),
      onFault: (error) => options.tell(String(error)),
    })
    if (!opened.ok) return refuse('store-failed', opened.error.message, opened.error.cure)
    store = opened.value
    // It may run all the same: its socket is gone, or it runs on another machine.
    options.tell(`no gateway answers at ${socket}: working on ${store.description}`)
  }
  const admin = createAdmin({
    store,
    fileRows: () => config.rows,
    file: resolve(options.config),
    forms: rowForms,
    clock: systemClock,
    version: options.version,
  })
  return ok({
    admin,
    where: store === undefined ? 'file' : 'store',
    socket,
    [Symbol.asyncDispose]: async () => {
      await store?.close()
    },
  })
}
