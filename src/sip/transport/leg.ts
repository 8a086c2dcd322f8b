import type { ListenerOptions } from './place.ts'
import type { UdpSocket } from './udp.ts'

/** A listener that is bound: what is sent from it carries its name, side and sent-by. */
export interface Leg {
  readonly options: ListenerOptions
  readonly port: number
  /** `host:port` as in our Via. */
  readonly sentBy: string
  readonly family: 4 | 6
  /** Only of a UDP listener. */
  readonly udp: UdpSocket | undefined
}
