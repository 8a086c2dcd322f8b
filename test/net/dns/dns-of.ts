import type { Random } from '../../../src/kernel/random.ts'
import type { Answer, Lookups, NaptrRecord, RecordType, SrvRecord } from '../../../src/net/dns/answer.ts'

export interface Known {
  readonly A?: readonly string[]
  readonly AAAA?: readonly string[]
  readonly SRV?: readonly (Partial<SrvRecord> & Pick<SrvRecord, 'target'>)[]
  readonly NAPTR?: readonly (Partial<NaptrRecord> & Pick<NaptrRecord, 'services' | 'replacement'>)[]
  /** Questions of these types cannot be answered. */
  readonly failed?: readonly RecordType[]
}

/** DNS as a table; what is not in it does not exist. Remembers what was asked: `SRV _sip._udp.example`. */
export function dnsOf(table: Readonly<Record<string, Known>>) {
  const asked: string[] = []
  const answer = <T>(
    type: RecordType,
    name: string,
    records: readonly T[] | undefined,
  ): Promise<Answer<T>> => {
    asked.push(`${type} ${name}`)
    if (table[name]?.failed?.includes(type)) return Promise.resolve({ kind: 'failed', reason: 'servfail' })
    return Promise.resolve(
      records === undefined ? { kind: 'none', ttl: 30 } : { kind: 'records', records, ttl: 60 },
    )
  }
  const lookups: Lookups = {
    a: (name) => answer('A', name, table[name]?.A),
    aaaa: (name) => answer('AAAA', name, table[name]?.AAAA),
    srv: (name) =>
      answer(
        'SRV',
        name,
        table[name]?.SRV?.map((record) => ({ priority: 0, weight: 0, port: 5060, ...record })),
      ),
    naptr: (name) =>
      answer(
        'NAPTR',
        name,
        table[name]?.NAPTR?.map((record) => ({
          order: 10,
          preference: 10,
          flags: 's',
          regexp: '',
          ...record,
        })),
      ),
  }
  return { lookups, asked }
}

/** Fractions in their order, the last one for ever. */
export function randomOf(...fractions: readonly number[]): Random {
  let at = 0
  return {
    fraction: () => fractions[Math.min(at++, fractions.length - 1)] ?? 0,
    token: () => {
      throw new Error('no token is needed here')
    },
  }
}
