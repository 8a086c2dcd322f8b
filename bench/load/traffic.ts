import type { Outcome } from './run.ts'
import type { Reply } from './sip-peer.ts'
import type { Window } from './window.ts'

/** One direction of traffic: what it sends, and what it makes of what arrives. */
export interface Traffic {
  readonly window: Window
  /** Messages that have crossed and were acknowledged. */
  readonly done: number
  /** True while something sent has not come to its end. */
  readonly underWay: boolean
  /** Before the first real message: finds the size that gives requests of the wanted length. */
  prepare(): Promise<void>
  /** Sends as much as may be under way. */
  fill(): void
  /** Sends again what is overdue. */
  repeat(now: number): void
  /** Sends what no answer comes to, beside what is counted. */
  disturb?(): void
  stanza(text: string, from: number, to: number): void
  sip(text: string, from: number, body: number, to: number, reply: Reply): void
  books(): Pick<
    Outcome,
    'requestBytes' | 'lost' | 'duplicates' | 'outOfOrder' | 'retransmissions' | 'refused' | 'refusal'
  >
}
