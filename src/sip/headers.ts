import { type CSeq, parseCSeq } from './cseq.ts'
import { type NameAddr, parseNameAddr } from './name-addr.ts'
import { parseOneVia, splitFirst, type Via } from './via.ts'

const NO_VALUES: readonly string[] = []

/** One header field line: canonical name and value (unfolded, trimmed, as text). */
export type HeaderField = readonly [name: string, value: string]

/**
 * Header fields in wire order. Names are canonical (`canonicalName`): `Call-ID`, `CSeq`, `Content-Type`,
 * `Ms-Edge-Proxy-Message-Trust`; so look-ups compare with `===`. Immutable; what was parsed once is remembered.
 */
export class Headers {
  readonly #fields: readonly HeaderField[]
  #topVia: Via | null | undefined
  #from: NameAddr | null | undefined
  #to: NameAddr | null | undefined
  #cseq: CSeq | null | undefined

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
    let values: string[] | undefined
    for (const field of this.#fields) {
      if (field[0] !== name) continue
      if (values === undefined) values = [field[1]]
      else values.push(field[1])
    }
    return values ?? NO_VALUES
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

  /** A copy in which this value stands where the first field of that name stood. */
  replacing(name: string, value: string): Headers {
    const at = this.#fields.findIndex((field) => field[0] === name)
    return at < 0 ? this : new Headers(this.#fields.with(at, [name, value]))
  }

  /** The first hop of the first Via. Undefined where absent or malformed: never in a message that was parsed. */
  topVia(): Via | undefined {
    if (this.#topVia === undefined) {
      const value = this.get('Via')
      const via = value === undefined ? undefined : parseOneVia(splitFirst(value)[0])
      this.#topVia = via?.ok ? via.value : null
    }
    return this.#topVia ?? undefined
  }

  /** Undefined where absent or malformed: never in a request that was parsed. */
  from(): NameAddr | undefined {
    if (this.#from === undefined) this.#from = this.#address('From')
    return this.#from ?? undefined
  }

  /** Undefined where absent or malformed: never in a request that was parsed. */
  to(): NameAddr | undefined {
    if (this.#to === undefined) this.#to = this.#address('To')
    return this.#to ?? undefined
  }

  /** Undefined where absent or malformed: never in a message that was parsed. */
  cseq(): CSeq | undefined {
    if (this.#cseq === undefined) {
      const value = this.get('CSeq')
      const cseq = value === undefined ? undefined : parseCSeq(value)
      this.#cseq = cseq?.ok ? cseq.value : null
    }
    return this.#cseq ?? undefined
  }

  /** How many hops may follow (RFC 3261 §20.22); undefined where absent or malformed. */
  maxForwards(): number | undefined {
    const value = this.get('Max-Forwards')
    return value !== undefined && /^[0-9]{1,9}$/.test(value) ? Number(value) : undefined
  }

  #address(name: string): NameAddr | null {
    const value = this.get(name)
    const address = value === undefined ? undefined : parseNameAddr(value)
    return address?.ok ? address.value : null
  }
}
