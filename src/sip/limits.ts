/** What a message may cost before it is understood. */
export interface SipLimits {
  /** Octets of start line and header fields together. */
  readonly headBytes: number
  /** Header field lines (a folded one counts once). */
  readonly headerCount: number
  readonly bodyBytes: number
}

export const DEFAULT_LIMITS: SipLimits = { headBytes: 16_384, headerCount: 200, bodyBytes: 262_144 }
