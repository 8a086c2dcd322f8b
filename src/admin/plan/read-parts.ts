import { inChunks } from '../../kernel/chunks.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import type { Fault, RowForms, Written } from '../forms.ts'

/** Rows of one list that are read at once. */
const PART = 100

/** As `forms.read`, in parts: a large section does not keep the messages waiting. */
export async function readInParts(
  forms: RowForms,
  section: Readonly<Record<string, unknown>>,
): Promise<Result<Written, readonly Fault[]>> {
  const large = Object.entries(section).filter(
    (entry): entry is [string, unknown[]] => Array.isArray(entry[1]) && entry[1].length > PART,
  )
  const first = forms.read({ ...section, ...Object.fromEntries(large.map(([list]) => [list, []])) })
  const faults: Fault[] = first.ok ? [] : [...first.error]
  const rows: Record<string, unknown> = first.ok ? { ...first.value.rows } : {}
  const secrets = new Map(first.ok ? first.value.secrets : [])
  for (const [list, written] of large) {
    const read: unknown[] = []
    let from = 0
    await inChunks(
      written,
      (part) => {
        const one = forms.read({ [list]: part })
        if (one.ok) {
          read.push(...((one.value.rows as unknown as Record<string, readonly unknown[]>)[list] ?? []))
          for (const [name, secret] of one.value.secrets) secrets.set(name, secret)
        } else faults.push(...one.error.map((fault) => later(fault, list, from)))
        from += part.length
      },
      PART,
    )
    rows[list] = read
  }
  return faults.length > 0 ? err(faults) : ok({ rows: rows as unknown as Written['rows'], secrets })
}

/** `providers[3].type` of a part that begins with the row 200 is `providers[203].type`. */
function later(fault: Fault, list: string, from: number): Fault {
  const found = new RegExp(`^${list}\\[(\\d+)\\]`).exec(fault.path)
  if (found === null) return fault
  return { ...fault, path: `${list}[${Number(found[1]) + from}]${fault.path.slice(found[0].length)}` }
}
