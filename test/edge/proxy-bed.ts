import type { SipProvider } from '../../src/federation/model.ts'
import type { FederationInput } from '../../src/federation/snapshot.ts'
import { checkRequest, MESSAGE_SUPPORT } from '../../src/sip/endpoint/uas.ts'
import type { SipRequest, SipResponse } from '../../src/sip/message.ts'
import { checkForwarded } from '../../src/sip/proxy/check.ts'
import type { Source } from '../../src/sip/transport/place.ts'
import { home, sipProvider, snapshot, xmppProvider } from '../federation/fixtures.ts'
import { type RequestParts, request, source, valuesOf } from '../sip/proxy/bed.ts'
import { type Inviting, incoming, type RigOptions, rigged, type Sending } from './sip-support.ts'

export const PARIS = '<sip:paris@partner.example>'
export const ROMEO = '<sip:romeo@sip.example>'
export const EDGE = 'edge.partner.example'

const INSIDE: Source = source({ address: '127.0.0.1', port: 5070, listener: 'inside-udp', side: 'inside' })
const OUTSIDE: Source = source({
  transport: 'tls',
  address: '192.0.2.9',
  port: 40_000,
  listener: 'outside-tls',
  side: 'outside',
  identity: [EDGE],
})

type Where = { readonly [K in keyof Source]?: Source[K] | undefined }

export interface BedOptions extends RigOptions {
  readonly provider?: Partial<SipProvider>
  readonly federation?: Partial<FederationInput>
}

/** The edge between a home server and a SIP provider; the test plays the endpoint, and so both of them. */
export function proxyBed(options: BedOptions = {}) {
  const bed = rigged(options)
  const federated = (parts: Partial<FederationInput> = {}) =>
    snapshot({
      homes: [home(options.row)],
      providers: [
        sipProvider({ verification: 'all', assertingHeader: 'x-verified', ...options.provider }),
        xmppProvider({ verification: 'all' }),
      ],
      ...options.federation,
      ...parts,
    })
  bed.rig.snapshot = federated()

  /** As the endpoint hands a request over, after its own checks. */
  const arrive = (value: SipRequest, where: Source) => {
    const at = incoming(value, where)
    const role = bed.leg.roleOf(value)
    const verdict = role === 'proxy' ? checkForwarded(value) : checkRequest(value, MESSAGE_SUPPORT)
    if (verdict.kind === 'answer') at.value.respond(verdict.status, { headers: verdict.headers })
    if (verdict.kind === 'pass') bed.leg.onRequest(at.value)
    return at
  }
  return {
    ...bed,
    /** Another set of rules holds from now on. */
    rule: (parts: Partial<FederationInput>) => {
      bed.rig.snapshot = federated(parts)
    },
    /** From Paris to Romeo, over TLS with the provider's certificate unless told. */
    fromOutside: (parts: RequestParts = {}, where: Where = {}) =>
      arrive(request({ from: `${PARIS};tag=p`, ...parts }), { ...OUTSIDE, ...where } as Source),
    /** From Romeo to Paris, by his home server. */
    fromHome: async (parts: RequestParts = {}, where: Where = {}) => {
      const out = request({ from: `${ROMEO};tag=r`, to: PARIS, uri: 'sip:paris@partner.example', ...parts })
      const at = arrive(out, { ...INSIDE, ...where } as Source)
      await settled()
      return at
    },
    ackFromOutside: (parts: RequestParts = {}, where: Where = {}) =>
      bed.leg.onAck(request({ method: 'ACK', from: `${PARIS};tag=p`, ...parts }), {
        ...OUTSIDE,
        ...where,
      } as Source),
    ackFromHome: async (parts: RequestParts = {}) => {
      const out = { method: 'ACK', from: `${ROMEO};tag=r`, to: PARIS, uri: 'sip:paris@partner.example' }
      bed.leg.onAck(request({ ...out, ...parts }), INSIDE)
      await settled()
    },
    sent: (index = 0): Sending => bed.sends[index] as Sending,
    invited: (index = 0): Inviting => bed.invites[index] as Inviting,
  }
}

/** Once what waits for a look-up has gone on. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export const values = ({ headers }: SipRequest | SipResponse, name: string): readonly string[] =>
  valuesOf(headers.fields(), name)
