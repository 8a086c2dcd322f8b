/** One header field line: canonical name and value (unfolded, trimmed, as text). */
export type HeaderField = readonly [name: string, value: string]

/**
 * Header fields in wire order. Names are canonical (`canonicalName`): `Call-ID`, `CSeq`, `Content-Type`,
 * `Ms-Edge-Proxy-Message-Trust`; so look-ups compare with `===`. Immutable.
 */
export class Headers {
  readonly #fields: readonly HeaderField[]

  constructor(fields: readonly HeaderField[]) {
    this.#fields = fields
  }

  /** The first field of that name. */
  get(name: string): string | undefined {
    for (const field of this.#fields) if (field[0] === name) return field[1]
    return undefined
  }

  /** Every field of that name, one per line; lists within a line are not split. */
  all(name: string): readonly string[] {
    const values: string[] = []
    for (const field of this.#fields) if (field[0] === name) values.push(field[1])
    return values
  }

  fields(): readonly HeaderField[] {
    return this.#fields
  }

  /** A copy without the fields of these names. */
  without(...names: readonly string[]): Headers {
    return new Headers(this.#fields.filter((field) => !names.includes(field[0])))
  }

  /** A copy with these fields added at the end. */
  with(...fields: readonly HeaderField[]): Headers {
    return new Headers([...this.#fields, ...fields])
  }
}
