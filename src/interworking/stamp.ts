const XMPP_STAMP = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:Z|([+-])(\d\d):(\d\d))$/
const LEGACY_STAMP = /^(\d{4})(\d\d)(\d\d)T(\d\d):(\d\d):(\d\d)$/

/** A `stamp` of XEP-0203 (XEP-0082 DateTime) or XEP-0091 (`CCYYMMDDThh:mm:ss`, UTC) in milliseconds since 1970. */
export function parseStamp(text: string): number | undefined {
  const legacy = LEGACY_STAMP.exec(text)
  if (legacy !== null) return instant(...(legacy.slice(1, 7) as Fields))
  const m = XMPP_STAMP.exec(text)
  if (m === null) return undefined
  const at = instant(...(m.slice(1, 7) as Fields))
  if (at === undefined || m[7] === undefined) return at
  const offset = (Number(m[8]) * 60 + Number(m[9])) * 60_000
  return m[7] === '+' ? at - offset : at + offset
}

/** XEP-0082 DateTime in UTC, to the second. */
export const formatStamp = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

type Field = string | number | undefined
type Fields = [Field, Field, Field, Field, Field, Field]

/** Undefined for 30 February and the like: the calendar must give the same fields back. */
function instant(...fields: Fields): number | undefined {
  const [year, month, day, hour, minute, second] = fields.map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  // A leap second counts as the second before it.
  const at = Date.UTC(year, month - 1, day, hour, minute, Math.min(second, 59))
  const back = new Date(at)
  const same =
    year >= 1900 &&
    second <= 60 &&
    minute <= 59 &&
    back.getUTCHours() === hour &&
    back.getUTCDate() === day &&
    back.getUTCMonth() === month - 1
  return same ? at : undefined
}
