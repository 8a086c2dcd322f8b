import type { S2sLinkView, StreamView, TroubledDomain } from '../edge/s2s/view.ts'

/** What `show` tells of a link from server to server; of a component it is a section of counters. */
export type StreamsFigures = S2sLinkView
export type StreamFigures = StreamView
export type TroubledFigures = TroubledDomain
