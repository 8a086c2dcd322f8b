import type { FederationSwitches, Level, PeerLimits } from './model.ts'

/** The single settings of the federation: each has its own owner. A source holds those that it sets. */
export interface Settings {
  readonly enabled: boolean
  readonly sip: boolean
  readonly publicIm: boolean
  readonly xmpp: boolean
  readonly 'openDiscovery.enabled': boolean
  readonly 'openDiscovery.verification': Level
  readonly 'openDiscovery.limits.messagesPerSecond': number
  readonly 'openDiscovery.limits.contacts': number
  readonly 'openDiscovery.limits.connections': number
  readonly 'learning.enabled': boolean
  /** Milliseconds. */
  readonly 'learning.lifetime': number
  readonly 'learning.perUser': number
}

export type SettingKey = keyof Settings

const DAY = 86_400_000

export const DEFAULT_SETTINGS: Settings = Object.freeze({
  enabled: true,
  sip: true,
  publicIm: true,
  xmpp: true,
  'openDiscovery.enabled': false,
  'openDiscovery.verification': 'contacts',
  'openDiscovery.limits.messagesPerSecond': 20,
  'openDiscovery.limits.contacts': 1000,
  'openDiscovery.limits.connections': 20,
  'learning.enabled': true,
  'learning.lifetime': 90 * DAY,
  'learning.perUser': 500,
})

export const SETTING_KEYS = Object.freeze(Object.keys(DEFAULT_SETTINGS)) as readonly SettingKey[]

/** The limits of a peer that has none. */
export const UNLIMITED: PeerLimits = Object.freeze({
  messagesPerSecond: undefined,
  contacts: undefined,
  connections: undefined,
})

export const switchesOf = (settings: Settings, suspended = false): FederationSwitches => ({
  enabled: settings.enabled,
  sip: settings.sip,
  publicIm: settings.publicIm,
  xmpp: settings.xmpp,
  openDiscovery: {
    enabled: settings['openDiscovery.enabled'],
    verification: settings['openDiscovery.verification'],
    limits: {
      messagesPerSecond: settings['openDiscovery.limits.messagesPerSecond'],
      contacts: settings['openDiscovery.limits.contacts'],
      connections: settings['openDiscovery.limits.connections'],
    },
  },
  learning: {
    enabled: settings['learning.enabled'],
    lifetime: settings['learning.lifetime'],
    perUser: settings['learning.perUser'],
  },
  suspended,
})
