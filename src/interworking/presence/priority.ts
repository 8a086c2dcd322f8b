/** A qvalue of RFC 3863 §4.1.5: 0 to 1 with at most three digits. */
const QVALUE = /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/
const INTEGER = /^[+-]?[0-9]{1,4}$/

/** The priority of a `contact` in thousandths; undefined for what is none, as if it were not there (§4.1.5). */
export const parseQvalue = (text: string): number | undefined =>
  QVALUE.test(text) ? Math.round(Number(text) * 1000) : undefined

export const qvalueText = (thousandths: number): string => String(thousandths / 1000)

/** RFC 8048 table 1, note 6: 0 → 0, 127 → 1, unique values between; a negative priority is not mapped. */
export const toThousandths = (priority: number): number | undefined =>
  priority < 0 ? undefined : Math.trunc((priority * 1000) / 127)

/** RFC 3922 §5.2.13: what `toThousandths` gave comes back; only 1 is 127. */
export const fromThousandths = (thousandths: number): number =>
  thousandths === 1000 ? 127 : Math.min(126, Math.ceil((thousandths * 127) / 1000))

/** The text of a `priority` element: an integer from −128 to 127 (RFC 6121 §4.7.2.3), else undefined. */
export function parsePriority(text: string): number | undefined {
  const trimmed = text.trim()
  const value = INTEGER.test(trimmed) ? Number(trimmed) : Number.NaN
  // No negative zero.
  return value >= -128 && value <= 127 ? value + 0 : undefined
}
