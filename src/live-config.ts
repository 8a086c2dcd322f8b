import type { StoreState } from './admin/store.ts'
import type { Config } from './config/config.ts'
import { readText } from './config/load.ts'
import type { ConfigProblem } from './config/problem.ts'
import { readConfigSteps } from './config/read.ts'
import { type Environment, readSecret } from './config/secrets.ts'
import type { SecretPlace } from './federation/model.ts'
import { ok, type Result } from './kernel/result.ts'
import { inTurns } from './kernel/turns.ts'
import type { Store } from './store/store.ts'

/** What rows of the store lack: a secret that cannot be read keeps its link down, or a home's challenges unanswered, and nothing else. */
export interface MissingSecret {
  readonly of: 'link' | 'home'
  readonly name: string
  readonly message: string
  readonly cure: string
}

export interface Read {
  readonly config: Config
  readonly missing: readonly MissingSecret[]
}

/** File and store as one configuration, read again when either of them changes. */
export class LiveConfig {
  readonly #file: string
  readonly #env: Environment
  readonly #store: Store | undefined
  /** The file as it was when it was last found good: a change in the store does not bring in half an edit. */
  #text: string | undefined
  #rows: number | undefined

  constructor(file: string, env: Environment, store: Store | undefined) {
    this.#file = file
    this.#env = env
    this.#store = store
  }

  /** The revision of the store's rows that was read last. */
  get rows(): number | undefined {
    return this.#rows
  }

  /**
   * @param which `file`: the file anew, and the store; `store`: the store anew, with the file as it was last
   * @throws StoreFault where the store fails
   */
  async read(which: 'file' | 'store'): Promise<Result<Read, readonly ConfigProblem[]>> {
    const text = which === 'store' && this.#text !== undefined ? ok(this.#text) : readText(this.#file)
    if (!text.ok) return text
    const state = await this.#store?.read()
    const config = await inTurns(readConfigSteps(text.value, this.#file, this.#env, state?.rows))
    this.#rows = state?.revision.rows
    if (!config.ok) return config
    this.#text = text.value
    return ok(
      state === undefined ? { config: config.value, missing: [] } : this.#withSecrets(config.value, state),
    )
  }

  #withSecrets(config: Config, { secrets, rows }: StoreState): Read {
    const linkSecrets = new Map(config.linkSecrets)
    const homePasswords = new Map(config.homePasswords)
    const missing: MissingSecret[] = []
    const read = (of: MissingSecret['of'], name: string, place: SecretPlace): void => {
      const secret = readSecret(place, this.#file, this.#env)
      if (!secret.ok) missing.push({ of, name, ...secret.error })
      else if (of === 'link') linkSecrets.set(name, secret.value)
      else homePasswords.set(name, secret.value)
    }
    for (const [link, place] of secrets) read('link', link, place)
    for (const { name, credentials } of rows.homes)
      if (credentials !== undefined) read('home', name, credentials.password)
    return { config: { ...config, linkSecrets, homePasswords }, missing }
  }
}
