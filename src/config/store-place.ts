import { dirname, join, resolve } from 'node:path'
import { ok, type Result } from '../kernel/result.ts'
import type { StorePlace } from '../store/open.ts'
import type { RowFinding } from './federation-rows.ts'
import { type NamedFault, readNamed } from './named-file.ts'
import type { FileValues } from './schema.ts'
import { type Environment, readSecret } from './secrets.ts'

type Sections = Pick<FileValues, 'store' | 'admin'>

const FALLBACK = '/run/dragoman/admin.sock'

/** The socket stands beside an SQLite file unless told; without store and `admin` there is none. */
export function adminSocket({ store, admin }: Readonly<Sections>, file: string): string | undefined {
  const from = dirname(resolve(file))
  if (admin?.socket !== undefined) return resolve(from, admin.socket)
  if (store === undefined) return undefined
  return store.sqlite === undefined ? FALLBACK : join(dirname(resolve(from, store.sqlite)), 'admin.sock')
}

/** Where the store is to be opened; the password is read now. Undefined: the file names none. */
export function storePlace(
  { store }: Readonly<Pick<Sections, 'store'>>,
  file: string,
  env: Environment,
): Result<StorePlace | undefined, NamedFault> {
  if (store === undefined) return ok(undefined)
  const from = dirname(resolve(file))
  if (store.sqlite !== undefined) return ok({ kind: 'sqlite', path: resolve(from, store.sqlite) })
  if (store.postgres === undefined) return ok(undefined)
  const { password, tls, ...rest } = store.postgres
  const secret = password === undefined ? ok(undefined) : readSecret(password, file, env)
  if (!secret.ok) return secret
  const authorities = tls?.ca === undefined ? ok(undefined) : readNamed(resolve(from, tls.ca))
  if (!authorities.ok) return authorities
  return ok({
    kind: 'postgresql',
    ...rest,
    password: secret.value,
    tls: tls === undefined ? undefined : { ca: authorities.value },
  })
}

/** Exactly one product. */
export function storeFindings({ store }: Readonly<Pick<Sections, 'store'>>): RowFinding[] {
  if (store === undefined) return []
  if (store.sqlite !== undefined && store.postgres !== undefined) {
    return [{ path: ['store', 'postgres'], message: 'stands beside sqlite', cure: 'keep one of the two' }]
  }
  return store.sqlite === undefined && store.postgres === undefined
    ? [
        {
          path: ['store'],
          message: 'names no database',
          cure: 'write sqlite: PATH, or postgres: with host, database and user',
        },
      ]
    : []
}
