import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'

/**
 * The address of a configured host: an IP literal as it is, a name by the system's resolver.
 * Undefined: looked, and there is none. Throws when it could not find out.
 */
export async function addressOfHost(host: string): Promise<string | undefined> {
  const literal = host.startsWith('[') ? host.slice(1, -1) : host
  if (isIP(literal) !== 0) return literal
  try {
    return (await lookup(host)).address
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

const isNotFound = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOTFOUND' || error.code === 'ENODATA')
