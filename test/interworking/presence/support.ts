import { DEFAULT_PRESENCE_LIMITS } from '../../../src/interworking/presence/limits.ts'
import { PIDF, type Pidf } from '../../../src/interworking/presence/pidf.ts'
import { readPidf } from '../../../src/interworking/presence/pidf-read.ts'
import { pidfToState } from '../../../src/interworking/presence/pidf-to-state.ts'
import { readPresence } from '../../../src/interworking/presence/presence-read.ts'
import {
  type ContactState,
  NO_RESOURCES,
  type ResourceState,
  UNAVAILABLE,
  withPresence,
} from '../../../src/interworking/presence/state.ts'
import type { SipUri } from '../../../src/sip/uri.ts'
import { parseUri } from '../../../src/sip/uri-parse.ts'
import { writeElement } from '../../../src/xmpp/xml/writer.ts'
import { stanzaOf } from '../../support/vectors.ts'

export const LIMITS = DEFAULT_PRESENCE_LIMITS
export const NOW = Date.UTC(2026, 0, 1, 12, 0, 0)
export const WATCHED = { from: 'romeo@example.net', to: 'juliet@example.com' }
export const AVAILABLE: ResourceState = { ...UNAVAILABLE, available: true }

export function sipUri(text: string): SipUri {
  const uri = parseUri(text)
  if (!uri.ok || uri.value.scheme !== 'sip') throw new Error(`not a SIP URI: ${text}`)
  return uri.value as SipUri
}
export const JULIET = sipUri('sip:juliet@example.com')

/** The stanza of Juliet's device, read. */
export const changeOf = (stanza: string) => readPresence(stanzaOf(stanza), NOW, LIMITS)

/** What is known of Juliet after these stanzas. */
export function stateAfter(...stanzas: readonly string[]): ContactState {
  let state = NO_RESOURCES
  for (const stanza of stanzas) {
    const change = changeOf(stanza)
    if (change !== undefined) state = withPresence(state, change, LIMITS.resources)
  }
  return state
}

export const document = (inner: string, attrs = ''): string =>
  `<?xml version='1.0' encoding='UTF-8'?><presence xmlns='${PIDF}' entity='pres:romeo@example.net' ${attrs}>${inner}</presence>`

export const RICH =
  "xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' " +
  "xmlns:c='urn:ietf:params:xml:ns:pidf:cipid'"

export const tuple = (inner: string, id = 'ID-desk'): string => `<tuple id='${id}'>${inner}</tuple>`
export const OPEN = '<status><basic>open</basic></status>'
export const CLOSED = '<status><basic>closed</basic></status>'

export function read(text: string): Pidf {
  const result = readPidf(new TextEncoder().encode(text), LIMITS)
  if (!result.ok) throw new Error(result.error)
  return result.value
}

export function stateOf(text: string, lang?: string): ContactState {
  const state = pidfToState(read(text), lang)
  if (state === undefined) throw new Error('no presence')
  return state
}

export const written = (stanzas: readonly Parameters<typeof writeElement>[0][]): readonly string[] =>
  stanzas.map((stanza) => writeElement(stanza))
