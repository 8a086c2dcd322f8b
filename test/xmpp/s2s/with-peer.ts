import { until } from '../../support/patient-clock.ts'
import { politePeer, type Traits } from './polite-peer.ts'
import { type BedOptions, MONTAGUE, poolBed } from './pool-bed.ts'
import { type RawServer, rawServer, type Script } from './raw-server.ts'

/** A pool, and the server of montague.example that it finds by DNS. */
export async function withPeer(script: Script | Traits, options: BedOptions = {}) {
  const server = await rawServer(typeof script === 'function' ? script : politePeer(script))
  const bed = poolBed({ servers: { [MONTAGUE]: server.port }, ...options })
  return {
    server,
    ...bed,
    async [Symbol.asyncDispose]() {
      await bed[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** What a connection to the server has brought, all of it. */
export const readBy = ({ peers }: RawServer, at = 0): string => peers[at]?.read ?? ''

export const arrived = (server: RawServer, text: string, at = 0): Promise<void> =>
  until(() => readBy(server, at).includes(text))
