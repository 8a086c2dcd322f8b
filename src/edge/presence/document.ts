import { presenceContent } from '../../interworking/presence/notify.ts'
import { nextTimestamp, stateToPidf } from '../../interworking/presence/presence-to-pidf.ts'
import {
  type ContactState,
  leading,
  NO_RESOURCES,
  type ResourceState,
  UNAVAILABLE,
} from '../../interworking/presence/state.ts'
import { smallMap } from '../../kernel/small-map.ts'
import type { Content } from '../../sip/events/watcher.ts'
import type { SipUri } from '../../sip/uri.ts'
import { type Exposure, isThere } from './exposure.ts'

/** What is gone for so long has been told, or vanishes with the next document. */
const TOLD = 30_000

/**
 * Without resources that were gone long ago, and without the bare address, which says that nobody is there, once somebody is.
 * One remains, since a document needs it (RFC 3922 §6.3.2).
 */
function trimmed(state: ContactState, now: number): ContactState {
  const there = isThere(state)
  const isOld = ([resource, { available, since }]: readonly [string, ResourceState]): boolean =>
    !available && (now - (since ?? 0) > TOLD || (resource === '' && there))
  const kept = [...state].filter((entry) => !isOld(entry))
  if (kept.length === state.size || state.size === 1) return state
  return smallMap(kept.length > 0 ? kept : [...state].slice(-1))
}

/** Every resource is gone, and nothing more is said of any. */
const closed = (state: ContactState | undefined): ContactState =>
  new Map(Array.from(state ?? NO_RESOURCES, ([resource]) => [resource, UNAVAILABLE]))

/**
 * What a NOTIFY says of an XMPP user; undefined where nothing is known (RFC 8048 §5.3.2).
 * @param uri as SIP writes the user
 * @param over it is no longer known, or no longer shown
 */
export function contentOf(exposure: Exposure, uri: SipUri, over: boolean, now: number): Content | undefined {
  if (exposure.state !== undefined) exposure.state = trimmed(exposure.state, now)
  if (exposure.state === undefined && !over) return undefined
  const state = over ? closed(exposure.state) : (exposure.state ?? NO_RESOURCES)
  exposure.stamp = nextTimestamp(now, exposure.stamp)
  return presenceContent(stateToPidf(state, { uri, timestamp: exposure.stamp }), leading(state)?.lang)
}
