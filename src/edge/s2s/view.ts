/** What a person may see of the streams from server to server. Plain data, which becomes JSON as it is. */

export interface StreamView {
  /** A name of ours. */
  readonly id: string
  /** The domain of the other side; its address while it has not said who it is. */
  readonly peer: string
  /** The domains of ours that the stream is proved for, or asked for. */
  readonly own: readonly string[]
  /** Who opened it: they, or we. */
  readonly direction: 'in' | 'out'
  /** Stanzas go both ways (XEP-0288). */
  readonly bidi: boolean
  /** IP address and port of the other side. */
  readonly address: string
  /** Undefined: in clear. */
  readonly tls: { readonly protocol: string; readonly cipher: string } | undefined
  /** What the other side has proved its domain by. */
  readonly auth: 'certificate' | 'dialback' | 'dialback-tls' | 'none'
  /** One word. */
  readonly state: string
  readonly ageSeconds: number
  /** Since the last stanza. */
  readonly idleSeconds: number
  readonly stanzasIn: number
  readonly stanzasOut: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** XEP-0198. */
  readonly streamManagement: boolean
  readonly lastError: string | undefined
}

/** A domain that could not be reached, and is not tried for a while. */
export interface TroubledDomain {
  readonly domain: string
  /** In a row. */
  readonly failures: number
  readonly retryInSeconds: number
  readonly reason: string
}

/** Everything at once. */
export interface S2sView {
  readonly streams: readonly StreamView[]
  readonly troubled: readonly TroubledDomain[]
  readonly counters: Readonly<Record<string, number>>
}

/** One link from server to server, as far as it fits into an answer. */
export interface S2sLinkView {
  readonly state: 'live' | 'closed'
  /** All of the link, whatever is asked for. */
  readonly count: { readonly in: number; readonly out: number; readonly troubled: number }
  /** By peer; at most `MOST`. */
  readonly streams: readonly StreamView[]
  /** The longest in trouble first; at most `MOST`. */
  readonly troubled: readonly TroubledDomain[]
  /** What was asked for is more than what is here. */
  readonly more: boolean
  readonly counters: Readonly<Record<string, number>>
}

/** Streams, and domains in trouble, in one answer. */
export const MOST = 500

export const countStreams = (
  streams: readonly StreamView[],
): { readonly in: number; readonly out: number } => {
  const opened = streams.reduce((sum, { direction }) => (direction === 'in' ? sum : sum + 1), 0)
  return { in: streams.length - opened, out: opened }
}

/** @param peer only of this domain, or of this address while it has not said who it is */
export function s2sLinkView(view: S2sView, state: S2sLinkView['state'], peer?: string): S2sLinkView {
  const streams = view.streams
    .filter((each) => peer === undefined || each.peer === peer)
    .sort(
      (a, b) => compare(a.peer, b.peer) || compare(a.direction, b.direction) || b.ageSeconds - a.ageSeconds,
    )
  const troubled = view.troubled
    .filter(({ domain }) => peer === undefined || domain === peer)
    .sort((a, b) => b.failures - a.failures || compare(a.domain, b.domain))
  return {
    state,
    count: { ...countStreams(view.streams), troubled: view.troubled.length },
    streams: streams.slice(0, MOST),
    troubled: troubled.slice(0, MOST),
    more: streams.length > MOST || troubled.length > MOST,
    counters: view.counters,
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
