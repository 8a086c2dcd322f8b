import pg from 'pg'
import type { StoreFault } from '../../admin/store.ts'
import { faultOf, postgresProblem } from '../problems.ts'

export interface PostgresOptions {
  /** A name or an IP address, or the directory of the server's socket. */
  readonly host: string
  /** 5432 */
  readonly port?: number | undefined
  readonly database: string
  readonly user: string
  readonly password?: string | undefined
  /** Off where undefined. The server's certificate is checked against `ca` (PEM), or against the system's authorities. */
  readonly tls?: { readonly ca: string | undefined } | undefined
  /** The schema that holds our tables (`dragoman`); made where it is missing. */
  readonly schema?: string | undefined
  /** Connections at once (5). */
  readonly connections?: number | undefined
  /** Milliseconds to wait for another session's lock, for a connection (5000). */
  readonly lockWait?: number | undefined
}

/** Milliseconds after which a statement is given up. */
const STATEMENT = 30_000

/** Column types that JavaScript's own numbers hold: revisions, times and counts are below 2^53. */
const INT8 = 20

const SCHEMA = /^[a-z_][a-z0-9_]{0,62}$/

export const schemaOf = (options: PostgresOptions): string => {
  const schema = options.schema ?? 'dragoman'
  if (!SCHEMA.test(schema)) throw new Error(`"${schema}" cannot be the name of a schema`)
  return schema
}

export const describe = ({ host, port, database, user }: PostgresOptions): string =>
  `PostgreSQL ${user}@${host}${port === undefined ? '' : `:${port}`}/${database}`

/** @param onFault told of connections that break while nobody uses them */
export function createPool(options: PostgresOptions, onFault: (error: unknown) => void): pg.Pool {
  const wait = options.lockWait ?? 5000
  const pool = new pg.Pool({
    host: options.host,
    port: options.port ?? 5432,
    database: options.database,
    user: options.user,
    ...(options.password === undefined ? {} : { password: options.password }),
    ssl:
      options.tls === undefined ? false : { ...(options.tls.ca === undefined ? {} : { ca: options.tls.ca }) },
    max: options.connections ?? 5,
    connectionTimeoutMillis: wait,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    application_name: 'dragoman',
    options: `-c search_path=${schemaOf(options)} -c lock_timeout=${wait} -c statement_timeout=${STATEMENT}`,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
    } as pg.CustomTypesConfig,
  })
  // Without a listener, a connection that breaks would be an uncaught exception.
  pool.on('error', (error) => {
    // The server's last word to a connection that is being closed.
    if (pool.ending) return
    // The pool hangs the whole connection onto the error, with all that was used to sign in.
    Reflect.deleteProperty(error, 'client')
    onFault(postgresFault(error, describe(options)))
  })
  // While it is in use, the query under way fails with the same error.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

/** What is not of PostgreSQL or the network (a mistake in a caller's check) stays what it is. */
export function postgresFault(error: unknown, description: string): StoreFault | unknown {
  if (!(error instanceof Error)) return error
  const named = postgresProblem(error, description)
  const ours = named.code !== 'failed' || error instanceof pg.DatabaseError
  return ours ? faultOf(error, () => named) : error
}
