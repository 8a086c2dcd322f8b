const NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/

/**
 * A name that can be asked for: lower case, without final dot. Underscores are let through, as SRV needs them.
 * Undefined where it can be no host name (RFC 1123 §2.1): DNS itself would carry any octets.
 */
export function dnsName(text: string): string | undefined {
  const name = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase()
  return NAME.test(name) ? name : undefined
}
