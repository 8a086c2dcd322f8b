import { provesSip } from '../../net/tls/sip-identity.ts'
import type { Connection } from './connection.ts'

/**
 * Connections that came in and whose peer takes requests over them as if at its own port (RFC 5923 §5): by address and
 * port, with the identities that its certificate proved.
 */
export class Aliases {
  readonly #connections = new Map<string, Set<Connection>>()

  add(place: string, connection: Connection): void {
    const there = this.#connections.get(place)
    if (there === undefined) this.#connections.set(place, new Set([connection]))
    else there.add(connection)
  }

  remove(place: string, connection: Connection): void {
    const there = this.#connections.get(place)
    there?.delete(connection)
    if (there?.size === 0) this.#connections.delete(place)
  }

  /**
   * One whose peer proved one of the names (§8.2), and to which we showed that certificate of ours (§9.3): the one that
   * came last, since the older may be about to end.
   */
  find(place: string, names: readonly string[], own: string): Connection | undefined {
    let found: Connection | undefined
    for (const connection of this.#connections.get(place) ?? []) {
      const { identity } = connection.source
      if (connection.isOpen && connection.own === own && identity !== undefined && provesSip(identity, names))
        found = connection
    }
    return found
  }
}
