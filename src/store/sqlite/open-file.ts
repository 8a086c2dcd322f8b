import { accessSync, chownSync, closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { StoreProblem } from '../../admin/store.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import { problem, sqliteProblem } from '../problems.ts'

const MAGIC = 'SQLite format 3\0'
/** Contact lists are private. SQLite gives the files -wal and -shm the same mode and owner. */
const MODE = 0o600

/**
 * Makes sure that the path can be an SQLite database that we may write, before SQLite is asked: its own answers do not
 * say what is missing. Makes an empty file where there is none.
 */
export function prepareFile(path: string, description: string): Result<void, StoreProblem> {
  try {
    // SQLite makes two more files in the directory.
    accessSync(dirname(path), constants.W_OK | constants.X_OK)
    const file = openSync(path, constants.O_RDWR | constants.O_CREAT, MODE)
    try {
      const { size } = fstatSync(file)
      if (size === 0) giveToOwnerOfDirectory(path)
      else if (!startsAsDatabase(file)) return err(sqliteProblem(notADatabase(), description))
      return ok(undefined)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    return err(sqliteProblem(error, description))
  }
}

function startsAsDatabase(file: number): boolean {
  const head = Buffer.alloc(MAGIC.length)
  return readSync(file, head, 0, head.length, 0) === head.length && head.toString('latin1') === MAGIC
}

const notADatabase = (): Error => Object.assign(new Error('no header'), { code: 'SQLITE_NOTADB' })

/** A file that root makes on the gateway's behalf must not lock the gateway out. */
function giveToOwnerOfDirectory(path: string): void {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = statSync(dirname(path))
  if (uid !== 0) chownSync(path, uid, gid)
}

export const noWal = (description: string, mode: unknown): StoreProblem =>
  problem(
    'failed',
    `${description} cannot be written ahead (journal mode ${String(mode)})`,
    'put the file on a local disk: network file systems do not do',
  )
