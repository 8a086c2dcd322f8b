import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { ok, type Result } from '../kernel/result.ts'
import { type AdminProblem, refuse } from './problem.ts'

/** What `sun_path` of a Unix socket's address holds on Linux, without its end. */
const LONGEST = 107
/** Owner and group; others have no business here. */
export const SOCKET_MODE = 0o660
const DIRECTORY_MODE = 0o750
/** Milliseconds for the answer of whoever may be listening. */
const PROBE = 2000

/**
 * Makes the place of a socket free: makes its directory, and takes away a socket at which nobody listens any more.
 * Anything else that is there stays.
 */
export async function prepareSocket(path: string): Promise<Result<void, AdminProblem>> {
  if (Buffer.byteLength(path) > LONGEST) {
    return refuse(
      'internal',
      `the path of the socket, ${path}, is longer than ${LONGEST} bytes`,
      'set admin.socket to a shorter path',
    )
  }
  try {
    mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE })
    const there = lstatSync(path, { throwIfNoEntry: false })
    if (there === undefined) return ok(undefined)
    if (!there.isSocket()) {
      return refuse('internal', `${path} exists and is no socket`, 'set admin.socket to another path')
    }
    if (await someoneListens(path)) {
      return refuse(
        'internal',
        `another process listens at ${path}`,
        'stop the other gateway, or give this one its own admin.socket',
      )
    }
    unlinkSync(path)
    return ok(undefined)
  } catch (error) {
    return refuse('internal', `the socket ${path} cannot be made: ${codeOf(error)}`, CURE)
  }
}

export const CURE =
  'let the user that Dragoman runs as write to the directory, or set admin.socket to another path'

export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error)

/** For whoever may connect. */
export const openToGroup = (path: string): void => chmodSync(path, SOCKET_MODE)

function someoneListens(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, timeout: PROBE })
    const end = (listens: boolean): void => {
      socket.destroy()
      resolve(listens)
    }
    socket
      .once('connect', () => end(true))
      // It has not answered, but somebody holds it.
      .once('timeout', () => end(true))
      .once('error', (error) =>
        ['ECONNREFUSED', 'ENOENT'].includes(codeOf(error)) ? end(false) : reject(error),
      )
  })
}
