/** Preloaded into the gateway (`--import`): says what it holds when it is asked over the channel to its parent. */
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'

/** Octets that are still reachable. */
export interface Held {
  readonly heap: number
  readonly external: number
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

async function held(): Promise<Held> {
  for (let i = 0; i < 4; i++) {
    collect()
    await sleep(20)
  }
  const { heapUsed, external } = process.memoryUsage()
  return { heap: heapUsed, external }
}

if (isMainThread && process.send !== undefined)
  process.on('message', () => {
    held().then((answer) => process.send?.(answer))
  })
