import type { Logger } from 'pino'
import type { Revision } from './admin/store.ts'
import type { Config } from './config/config.ts'
import { textOfProblem } from './config/problem.ts'
import type { Gateway } from './gateway.ts'
import type { LiveConfig, MissingSecret } from './live-config.ts'

/** What can stand and will hardly do what was meant: a certificate that has expired, say. */
export function tellDoubts(log: Logger, { warnings }: Config): void {
  if (warnings.length > 0)
    log.warn({ warnings: warnings.map(textOfProblem) }, 'configuration taken over with warnings')
}

export interface RulesOptions {
  readonly live: LiveConfig
  readonly gateway: Gateway
  /** That with which the gateway starts. */
  readonly config: Config
  readonly log: Logger
  readonly tellMissing: (log: Logger, missing: readonly MissingSecret[]) => void
}

/** Brings changes of the file and of the store to the running gateway, one after the other; what cannot stand changes nothing. */
export class Rules {
  readonly #options: RulesOptions
  #config: Config
  #turn: Promise<void> = Promise.resolve()
  /** A look at the store that has not begun: it will see what came meanwhile. */
  #coming: Promise<void> | undefined

  constructor(options: RulesOptions) {
    this.#options = options
    this.#config = options.config
  }

  /** What is in force. */
  get config(): Config {
    return this.#config
  }

  /** SIGHUP: the file is read again. Never rejects. */
  reload(): Promise<void> {
    return this.#inTurn(async () => {
      const { log } = this.#options
      if (!(await this.#take('file', 'configuration refused, the old one stays'))) return
      tellDoubts(log, this.#config)
      log.info({ config: this.#config.file }, 'configuration reloaded')
    })
  }

  /**
   * The store has changed; a revision whose rows are known concerns people alone.
   */
  changed(revision: Revision): void {
    this.#options.gateway.forgetPeople()
    if (revision.rows !== this.#options.live.rows) void this.follow()
  }

  /** What the store holds now comes into force. Resolves when that is in force, or refused; never rejects. */
  follow(): Promise<void> {
    this.#coming ??= this.#inTurn(async () => {
      this.#coming = undefined
      this.#options.gateway.forgetPeople()
      await this.#take('store', 'file and store cannot be put together, the old rules stay')
    })
    return this.#coming
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(step)
    return this.#turn
  }

  async #take(which: 'file' | 'store', refusal: string): Promise<boolean> {
    const { live, gateway, log, tellMissing } = this.#options
    try {
      const read = await live.read(which)
      if (!read.ok) {
        log.error({ problems: read.error.map(textOfProblem) }, refusal)
        return false
      }
      tellMissing(log, read.value.missing)
      await gateway.reload(read.value.config)
      this.#config = read.value.config
      return true
    } catch (error) {
      log.error({ err: error }, refusal)
      return false
    }
  }
}
