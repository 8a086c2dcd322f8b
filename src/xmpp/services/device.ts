import { type Element, xml } from '../xml/element.ts'
import { CAPS, verificationString } from './caps.ts'
import { DISCO_INFO, DISCO_ITEMS, type DiscoInfo } from './disco.ts'

/** XEP-0092. */
export interface Software {
  readonly name: string
  readonly version: string
}

/**
 * The software, as XEP-0115 §4 wants it named: a URI that is the same wherever it runs. It has no page of its own on the
 * web, and a name below a domain that is not ours could become somebody else's.
 */
export const SOFTWARE_NODE = 'urn:uuid:db82e700-5156-4a5f-b195-a2817d3b150e'

const DELAY = 'urn:xmpp:delay'

/**
 * What reaches a device of a SIP user. Text, subject, thread and language do without a feature; markup, chat states,
 * receipts, markers, corrections, files and calls have none here, for they would be dropped.
 */
const FEATURES = [CAPS, DISCO_INFO, DISCO_ITEMS, DELAY]

export interface Device {
  readonly info: DiscoInfo
  /** XEP-0115 §5.1. */
  readonly ver: string
}

const made = new WeakMap<Software, Device>()

/**
 * What a device of a SIP user is on the XMPP side: the gateway in front of it, since no two are different there. Type `pc`,
 * which clients take for an ordinary one: SIP does not say which it is, and `phone` would mean a mobile one.
 */
export function deviceOf(software: Software): Device {
  let device = made.get(software)
  if (device === undefined) {
    const info = {
      identities: [{ category: 'client', type: 'pc', name: software.name }],
      features: FEATURES,
    }
    device = { info, ver: verificationString(info) }
    made.set(software, device)
  }
  return device
}

/** The node that a client asks for once it has seen our `ver` (XEP-0115 §6.2). */
export const deviceNode = (software: Software): string => `${SOFTWARE_NODE}#${deviceOf(software).ver}`

/** For available presence of a device (XEP-0115 §6.1); a new one each time, since an element has one parent. */
export const capsElement = (software: Software): Element =>
  xml('c', { xmlns: CAPS, hash: 'sha-1', node: SOFTWARE_NODE, ver: deviceOf(software).ver })
