/**
 * The little of DER (X.690) that certificates need. Strict: definite lengths in their shortest form, one-octet tags,
 * nothing left over. What does not fit is undefined, never an exception: peers send it.
 */
export interface Der {
  /** The identifier octet: class, constructed bit and number. */
  readonly tag: number
  readonly content: Uint8Array
  /** With tag and length. */
  readonly whole: Uint8Array
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** `[n]` of an implicit or explicit tag. */
export const context = (number: number, constructed: boolean): number =>
  0x80 | (constructed ? 0x20 : 0) | number

/** The elements that stand one behind the other; undefined where anything is wrong with one of them. */
export function readAll(bytes: Uint8Array): readonly Der[] | undefined {
  const elements: Der[] = []
  for (let at = 0; at < bytes.length; ) {
    const element = readAt(bytes, at)
    if (element === undefined) return undefined
    elements.push(element)
    at += element.whole.length
  }
  return elements
}

/** The one element that fills the bytes. */
export function readOne(bytes: Uint8Array): Der | undefined {
  const element = readAt(bytes, 0)
  return element !== undefined && element.whole.length === bytes.length ? element : undefined
}

/** The elements within one with that tag. */
export function within(element: Der | undefined, tag: number): readonly Der[] | undefined {
  return element?.tag === tag ? readAll(element.content) : undefined
}

function readAt(bytes: Uint8Array, at: number): Der | undefined {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined
  let start = at + 2
  let length = first
  if (first >= 0x80) {
    const octets = first & 0x7f
    if (octets === 0 || octets > 4 || start + octets > bytes.length || bytes[start] === 0) return undefined
    length = 0
    for (let i = 0; i < octets; i++) length = length * 256 + (bytes[start + i] as number)
    if (length < 0x80) return undefined
    start += octets
  }
  const end = start + length
  if (end > bytes.length) return undefined
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) }
}

/** `1.2.840.113549.1.1.11` */
export function oidOf(element: Der | undefined): string | undefined {
  if (element?.tag !== TAG.oid || element.content.length === 0) return undefined
  const arcs: number[] = []
  let arc = 0
  let open = false
  for (const octet of element.content) {
    if (!open && octet === 0x80) return undefined
    arc = arc * 128 + (octet & 0x7f)
    if (!Number.isSafeInteger(arc)) return undefined
    open = octet >= 0x80
    if (open) continue
    if (arcs.length === 0) {
      const root = Math.min(2, Math.floor(arc / 40))
      arcs.push(root, arc - root * 40)
    } else arcs.push(arc)
    arc = 0
  }
  return open ? undefined : arcs.join('.')
}

/** Text of octets that are all ASCII: a certificate that says anything else in an IA5String is not well-formed. */
export function asciiOf(bytes: Uint8Array): string | undefined {
  for (const octet of bytes) if (octet >= 0x80) return undefined
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text of a UTF8String; undefined where it is another type, or its octets are not UTF-8. Nothing is left out of it. */
export function utf8Of(element: Der | undefined): string | undefined {
  if (element?.tag !== TAG.utf8String) return undefined
  try {
    return utf8.decode(element.content)
  } catch {
    return undefined
  }
}

/** DER knows 00 and FF only. */
export function booleanOf(element: Der | undefined): boolean | undefined {
  if (element?.tag !== TAG.boolean || element.content.length !== 1) return undefined
  if (element.content[0] === 0xff) return true
  return element.content[0] === 0 ? false : undefined
}

/** A whole number from 0 to 2^31. */
export function countOf(element: Der | undefined): number | undefined {
  if (element?.tag !== TAG.integer) return undefined
  const { content } = element
  if (content.length === 0 || content.length > 4 || (content[0] as number) >= 0x80) return undefined
  return content.reduce((value, octet) => value * 256 + octet, 0)
}

/** Whether a bit of a BIT STRING is set; the first is 0. */
export function bitOf(element: Der | undefined, bit: number): boolean | undefined {
  if (element?.tag !== TAG.bitString || element.content.length === 0) return undefined
  const octet = element.content[1 + (bit >> 3)]
  return octet !== undefined && (octet & (0x80 >> (bit & 7))) !== 0
}

/** Milliseconds since 1970 (RFC 5280 §4.1.2.5: always with seconds, always UTC). */
export function timeOf(element: Der | undefined): number | undefined {
  const text = element === undefined ? undefined : asciiOf(element.content)
  if (text === undefined) return undefined
  let full = text
  if (element?.tag === TAG.utcTime) full = `${Number(text.slice(0, 2)) >= 50 ? '19' : '20'}${text}`
  else if (element?.tag !== TAG.generalizedTime) return undefined
  if (!/^\d{14}Z$/.test(full)) return undefined
  const time = Date.parse(full.replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3T$4:$5:$6'))
  return Number.isNaN(time) ? undefined : time
}
