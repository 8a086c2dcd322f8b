import type { Snapshot } from '../federation/snapshot.ts'
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
  readonly federation: Snapshot
  /** By the name of the link. Never to be logged. */
  readonly linkSecrets: ReadonlyMap<string, string>
}
