import type { StoreProblem, StoreProblemCode } from '../admin/store.ts'
import { StoreFault } from '../admin/store.ts'

export const problem = (code: StoreProblemCode, message: string, cure: string): StoreProblem => ({
  code,
  message,
  cure,
})

type Words = readonly [code: StoreProblemCode, says: string, cure: string]

const NOT_A_DATABASE: Words = [
  'not-a-database',
  'is not an SQLite database',
  'correct the path, or move the file away: a new database is made in its place',
]
const NO_PERMISSION: Words = [
  'no-permission',
  'may not be read and written by this user',
  'run as the user that the gateway runs as, or give that user the file, its directory, and the files -wal and -shm beside it',
]
const NO_SUCH_PLACE: Words = [
  'no-such-place',
  'cannot be opened: there is no such directory, or the path is one itself',
  'create the directory, or correct the path',
]
const LOCKED: Words = [
  'locked',
  'is locked by another process',
  'end the other process (an open sqlite3 shell, a backup), or try again',
]
const DAMAGED: Words = [
  'damaged',
  'is damaged',
  'restore it from a backup; `sqlite3 FILE ".recover"` gets out what can be read',
]
const DISK_FULL: Words = ['disk-full', 'cannot grow: the disk is full', 'make room on the disk']

/** By the codes of SQLite (their first two words) and of the file system. */
const SQLITE: Readonly<Record<string, Words>> = {
  SQLITE_NOTADB: NOT_A_DATABASE,
  // The path was opened before: it is one of the files beside it.
  SQLITE_CANTOPEN: NO_PERMISSION,
  SQLITE_READONLY: NO_PERMISSION,
  SQLITE_PERM: NO_PERMISSION,
  SQLITE_AUTH: NO_PERMISSION,
  SQLITE_BUSY: LOCKED,
  SQLITE_LOCKED: LOCKED,
  SQLITE_CORRUPT: DAMAGED,
  SQLITE_FULL: DISK_FULL,
  ENOENT: NO_SUCH_PLACE,
  ENOTDIR: NO_SUCH_PLACE,
  EISDIR: NO_SUCH_PLACE,
  EACCES: NO_PERMISSION,
  EPERM: NO_PERMISSION,
  EROFS: NO_PERMISSION,
  ENOSPC: DISK_FULL,
}

const UNREACHABLE: Words = [
  'unreachable',
  'does not answer',
  'start the database server, or correct host and port',
]
const SIGN_IN: Words = [
  'sign-in-refused',
  'refuses to sign us in',
  'correct user and password, or allow them in pg_hba.conf',
]
const NO_RIGHT: Words = [
  'no-permission',
  'does not let this user do that',
  'grant the user CREATE on the database, or ownership of the schema',
]
const TOO_SLOW: Words = [
  'locked',
  'is locked by another session',
  'end the session that holds the lock (pg_stat_activity shows it), or try again',
]

const UNTRUSTED: Words = [
  'unreachable',
  'shows a certificate that is not trusted for it',
  'name the authority that signed it in tls.ca, and the host as the certificate names it',
]

/** By SQLSTATE (PostgreSQL, appendix A) and the codes of the network. */
const POSTGRES: Readonly<Record<string, Words>> = {
  ECONNREFUSED: UNREACHABLE,
  ECONNRESET: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  EPIPE: UNREACHABLE,
  ENOENT: UNREACHABLE,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_HAS_EXPIRED: UNTRUSTED,
  ERR_TLS_CERT_ALTNAME_INVALID: UNTRUSTED,
  '57P01': UNREACHABLE,
  '57P02': UNREACHABLE,
  '57P03': UNREACHABLE,
  '53300': ['unreachable', 'has no connection free', 'raise max_connections, or close other clients'],
  '28000': SIGN_IN,
  '28P01': SIGN_IN,
  '3D000': ['no-such-database', 'has no such database', 'create it (createdb), or correct its name'],
  '42501': NO_RIGHT,
  '55P03': TOO_SLOW,
  '57014': TOO_SLOW,
  '53100': DISK_FULL,
  XX001: ['damaged', 'is damaged', 'restore it from a backup'],
  XX002: ['damaged', 'is damaged', 'rebuild its indexes (REINDEX), or restore it from a backup'],
}

/** pg gives these errors without a code. */
const WITHOUT_CODE: readonly (readonly [RegExp, Words])[] = [
  [/^(Connection terminated|timeout exceeded when trying to connect|Client has encountered)/, UNREACHABLE],
  [
    /does not support SSL connections/,
    ['unreachable', 'does not speak TLS', 'switch `ssl` on in postgresql.conf, or go without tls'],
  ],
]

/** @param where what a person calls the store */
export function sqliteProblem(error: unknown, where: string): StoreProblem {
  const { code, message } = partsOf(error)
  const words = SQLITE[code] ?? SQLITE[code.split('_').slice(0, 2).join('_')]
  return worded(words, where, code, message)
}

export function postgresProblem(error: unknown, where: string): StoreProblem {
  const { code, message } = partsOf(error)
  const words = POSTGRES[code] ?? WITHOUT_CODE.find(([pattern]) => pattern.test(message))?.[1]
  return worded(words, where, code, message)
}

const worded = (words: Words | undefined, where: string, code: string, message: string): StoreProblem =>
  words === undefined
    ? problem('failed', `${where} failed: ${message}`, 'see the log of the database for the cause')
    : problem(words[0], `${where} ${words[1]}${code === '' ? '' : ` (${code})`}`, words[2])

function partsOf(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: '', message: String(error) }
  // Node tries all addresses of a host and gives the failures together.
  const first = error instanceof AggregateError ? error.errors[0] : error
  const code = first instanceof Error && 'code' in first ? String(first.code) : ''
  return { code, message: error.message }
}

/** Turns what the database throws into a StoreFault; one that is one already stays as it is. */
export const faultOf = (error: unknown, name: (error: unknown) => StoreProblem): StoreFault =>
  error instanceof StoreFault ? error : new StoreFault(name(error), error)
