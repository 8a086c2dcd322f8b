import { keyOf } from './people.ts'
import type { PresencePair } from './store.ts'

/** Who waits for a state that is being asked for once (RFC 8048 §7.1). */
export class Polls {
  readonly #askers = new Map<string, string>()

  begin(pair: PresencePair, asker: string): void {
    this.#askers.set(keyOf(pair), asker)
  }

  /** True where the state is being asked for already. Several devices are told as one user. */
  join(pair: PresencePair, asker: string): boolean {
    const other = this.#askers.get(keyOf(pair))
    if (other !== undefined && other !== asker) this.#askers.set(keyOf(pair), pair.xmpp)
    return other !== undefined
  }

  /** The address that is to know. */
  asker(pair: PresencePair): string | undefined {
    return this.#askers.get(keyOf(pair))
  }

  end(pair: PresencePair): void {
    this.#askers.delete(keyOf(pair))
  }
}
