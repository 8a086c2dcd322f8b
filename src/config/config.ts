import type { PresenceSettings } from '../edge/presence/settings.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { SourceRows } from '../federation/sources.ts'
import type { Material } from '../net/tls/credentials.ts'
import type { ConfigProblem } from './problem.ts'
import type { FileValues } from './schema.ts'

type Frozen<T> = T extends readonly (infer I)[]
  ? readonly Frozen<I>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T

/** A checked configuration. Durations are milliseconds, sizes bytes, secrets their values. */
export interface Config extends Frozen<Omit<FileValues, 'federation'>> {
  /** The path that was given for the file. */
  readonly file: string
  readonly presence: PresenceSettings
  readonly federation: Snapshot
  /** The file's own rows, from which `federation` was made with those of the store and the shipped ones. */
  readonly rows: SourceRows
  /** What can stand, and that a person should look at all the same. */
  readonly warnings: readonly ConfigProblem[]
  /** By the name of the link. Never to be logged. */
  readonly linkSecrets: ReadonlyMap<string, string>
  /** By the name of the home server that asks for it. Never to be logged. */
  readonly homePasswords: ReadonlyMap<string, string>
  /** What the files of `sip.tls` hold; undefined without that section. Never to be logged. */
  readonly tlsMaterial: Material | undefined
  /** The same of `xmpp.tls`. */
  readonly xmppTlsMaterial: Material | undefined
  /** What `xmpp.s2s.dialbackSecret` names; undefined: one is to be made up. Never to be logged. */
  readonly dialbackSecret: string | undefined
}
