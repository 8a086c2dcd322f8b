import type { NaptrRecord } from '../../net/dns/answer.ts'
import type { Transport } from './target.ts'

/** The register of RFC 3263 §9, as far as we speak it. */
const SERVICES: Readonly<Record<string, Transport>> = {
  'sip+d2u': 'udp',
  'sip+d2t': 'tcp',
  'sips+d2t': 'tls',
}

/** A transport that a domain offers, and the name of its SRV records. */
export interface Service {
  readonly transport: Transport
  readonly name: string
}

/**
 * What a domain's NAPTR records offer (RFC 3263 §4.1), best first: only those of the lowest order that has anything
 * for us, since nothing of a higher order may be looked at then (RFC 3403 §4.1).
 * @param secure for a `sips` URI: nothing but SIPS services count
 */
export function servicesOf(
  records: readonly NaptrRecord[],
  secure: boolean,
  supported: readonly Transport[],
): readonly Service[] {
  const usable = records.flatMap((record) => {
    const transport = SERVICES[record.services.toLowerCase()]
    if (transport === undefined || !supported.includes(transport)) return []
    if (secure && transport !== 'tls') return []
    if (record.flags.toLowerCase() !== 's' || record.regexp !== '' || record.replacement === '.') return []
    return [{ record, transport }]
  })
  const order = Math.min(...usable.map(({ record }) => record.order))
  return usable
    .filter(({ record }) => record.order === order)
    .sort((a, b) => a.record.preference - b.record.preference)
    .map(({ record, transport }) => ({ transport, name: record.replacement }))
}
