/** Compact forms: RFC 3261 §7.3.3 and the IANA register. */
const COMPACT: Readonly<Record<string, string>> = {
  a: 'Accept-Contact',
  b: 'Referred-By',
  c: 'Content-Type',
  d: 'Request-Disposition',
  e: 'Content-Encoding',
  f: 'From',
  i: 'Call-ID',
  j: 'Reject-Contact',
  k: 'Supported',
  l: 'Content-Length',
  m: 'Contact',
  n: 'Identity-Info',
  o: 'Event',
  r: 'Refer-To',
  s: 'Subject',
  t: 'To',
  u: 'Allow-Events',
  v: 'Via',
  x: 'Session-Expires',
  y: 'Identity',
}

/** Spellings that are not just every word with a capital. */
const SPELLED = [
  'Call-ID',
  'CSeq',
  'MIME-Version',
  'RAck',
  'RSeq',
  'SIP-ETag',
  'SIP-If-Match',
  'WWW-Authenticate',
]

/** Names that come in most messages, so that the usual spelling is found at once. */
const USUAL = [
  'Via',
  'From',
  'To',
  'Call-ID',
  'CSeq',
  'Max-Forwards',
  'Contact',
  'Content-Type',
  'Content-Length',
  'Content-Encoding',
  'Content-Disposition',
  'Content-Language',
  'Route',
  'Record-Route',
  'User-Agent',
  'Server',
  'Allow',
  'Allow-Events',
  'Accept',
  'Accept-Encoding',
  'Accept-Language',
  'Supported',
  'Unsupported',
  'Require',
  'Proxy-Require',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'Authorization',
  'WWW-Authenticate',
  'Date',
  'Expires',
  'Min-Expires',
  'Event',
  'Subscription-State',
  'Subject',
  'Timestamp',
  'Warning',
  'Retry-After',
  'Reason',
  'Priority',
  'Organization',
  'In-Reply-To',
  'Reply-To',
  'MIME-Version',
  'P-Asserted-Identity',
  'P-Preferred-Identity',
  'Privacy',
  'Path',
  'Service-Route',
  'SIP-ETag',
  'SIP-If-Match',
  'Refer-To',
  'Referred-By',
]

const ASCII = /^[\x00-\x7f]*$/

const KNOWN = new Map<string, string>()
for (const name of [...USUAL, ...SPELLED]) {
  KNOWN.set(name, name)
  KNOWN.set(name.toLowerCase(), name)
}
for (const [short, name] of Object.entries(COMPACT)) {
  KNOWN.set(short, name)
  KNOWN.set(short.toUpperCase(), name)
}

/**
 * The one spelling of a header field name, whatever its case and for its compact form (RFC 3261 §7.3.1, §7.3.3):
 * `i` → `Call-ID`, `MS-EDGE-PROXY-MESSAGE-TRUST` → `Ms-Edge-Proxy-Message-Trust`. Only ASCII letters fold.
 */
export function canonicalName(raw: string): string {
  const known = KNOWN.get(raw)
  if (known !== undefined) return known
  if (!ASCII.test(raw)) return raw
  const lower = raw.toLowerCase()
  return KNOWN.get(lower) ?? lower.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase())
}

/** The canonical name where the spelling is a usual one, which is then a token too. */
export const knownName = (raw: string): string | undefined => KNOWN.get(raw)

/** True for the canonical spellings that need no further check before they are written. */
export const isKnownName = (name: string): boolean => KNOWN.get(name) === name
