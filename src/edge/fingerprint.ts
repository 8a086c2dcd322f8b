/** Octets of a long text that are looked at: evenly over its length, and at its end. */
const SAMPLE = 256
const END = 32

/** 53 bits over texts and octets, their order and lengths; quick, not cryptographic. */
export function fingerprint(texts: readonly string[], octets: Uint8Array): number {
  let a = 0x9e3779b9 ^ octets.length
  let b = 0x41c6ce57 ^ octets.length
  for (const text of texts) {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      a = Math.imul(a ^ code, 2654435761)
      b = Math.imul(b ^ code, 1597334677)
    }
    a = Math.imul(a ^ 0x1_0000, 2654435761)
    b = Math.imul(b ^ 0x1_0000, 1597334677)
  }
  const step = Math.max(1, octets.length / SAMPLE)
  for (let i = 0; i < octets.length; i += step) {
    const octet = octets[Math.trunc(i)] as number
    a = Math.imul(a ^ octet, 2654435761)
    b = Math.imul(b ^ octet, 1597334677)
  }
  for (let i = step > 1 ? octets.length - END : octets.length; i < octets.length; i++) {
    const octet = octets[i] as number
    a = Math.imul(a ^ octet, 2654435761)
    b = Math.imul(b ^ octet, 1597334677)
  }
  const high = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  const low = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return 4294967296 * (2097151 & low) + (high >>> 0)
}
