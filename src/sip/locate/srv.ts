import type { Transport } from './target.ts'

/** RFC 3263 §4.1, §4.2: `_sip._udp`, `_sip._tcp`, `_sips._tcp`. */
export const srvName = (transport: Transport, domain: string): string => `${SERVICE_OF[transport]}.${domain}`

const SERVICE_OF = {
  udp: '_sip._udp',
  tcp: '_sip._tcp',
  tls: '_sips._tcp',
} as const satisfies Record<Transport, string>
