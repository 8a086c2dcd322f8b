import { err, ok, type Result } from '../kernel/result.ts'

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const DATE =
  /^(Sun|Mon|Tue|Wed|Thu|Fri|Sat), ([0-9]{2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT$/i

/**
 * RFC 3261 §20.17: GMT and nothing else, so `EST` is malformed (RFC 4475 §3.1.2.12). The day of the week is not compared.
 * @returns milliseconds since the Unix epoch
 */
export function parseSipDate(value: string): Result<number, 'bad-date'> {
  const match = DATE.exec(value)
  if (match === null) return err('bad-date')
  const month = MONTHS.findIndex((name) => name.toLowerCase() === (match[3] as string).toLowerCase())
  const [day, year, hour, minute, second] = [match[2], match[4], match[5], match[6], match[7]].map(
    Number,
  ) as [number, number, number, number, number]
  if (hour > 23 || minute > 59 || second > 60 || year < 1000) return err('bad-date')
  const time = Date.UTC(year, month, day, hour, minute, second)
  // 31 February would have become a day of March.
  return new Date(Date.UTC(year, month, day)).getUTCDate() === day ? ok(time) : err('bad-date')
}

/** @param time milliseconds since the Unix epoch; the fraction of the second is dropped */
export function sipDateText(time: number): string {
  const date = new Date(time)
  const two = (value: number) => String(value).padStart(2, '0')
  const clock = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
  const year = String(date.getUTCFullYear()).padStart(4, '0')
  return `${DAYS[date.getUTCDay()]}, ${two(date.getUTCDate())} ${MONTHS[date.getUTCMonth()]} ${year} ${clock} GMT`
}
