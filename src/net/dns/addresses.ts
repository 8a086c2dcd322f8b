import type { Lookups } from './answer.ts'

/** What was found of a name's addresses, and why not all of it where something could not be looked up. */
export interface Addresses {
  /** IP literals, those of the preferred family first. */
  readonly addresses: readonly string[]
  readonly failure: string | undefined
}

/** The addresses of a name, of these families in this order. */
export async function lookUpAddresses(
  name: string,
  lookups: Lookups,
  families: readonly (4 | 6)[],
  signal?: AbortSignal,
): Promise<Addresses> {
  const answers = await Promise.all(
    families.map((family) => (family === 4 ? lookups.a(name, signal) : lookups.aaaa(name, signal))),
  )
  const addresses = answers.flatMap((answer) => (answer.kind === 'records' ? answer.records : []))
  const failed = answers.find((answer) => answer.kind === 'failed')
  return { addresses, failure: failed?.reason }
}
