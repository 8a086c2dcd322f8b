import { type Domain, parseDomain } from '../kernel/domain.ts'
import type { Provider, ProviderType } from './model.ts'
import { DEFAULT_NEGOTIATION } from './negotiation.ts'
import { UNLIMITED } from './settings.ts'

function domain(text: string): Domain {
  const parsed = parseDomain(text)
  if (!parsed.ok) throw new Error(`shipped row: ${text} is not a domain`)
  return parsed.value
}

const common = (name: string, domains: readonly string[], description: string) => ({
  name,
  type: 'public' as ProviderType,
  enabled: false,
  domains: domains.map((text) => ({ domain: domain(text), below: false })),
  icon: undefined,
  description,
  congestionSafePath: false,
  limits: UNLIMITED,
  suspended: false,
})

const sip = (
  name: string,
  accessEdge: string,
  domains: readonly string[],
  description: string,
): Provider => ({
  ...common(name, domains, description),
  protocol: 'sip',
  verification: 'verified',
  accessEdges: [domain(accessEdge)],
  assertingHeader: undefined,
})

/** The providers that are listed from the start, all disabled: the services have ended, the rows show the shape. */
export const SHIPPED_PROVIDERS: readonly Provider[] = [
  sip(
    'Windows Live',
    'federation.messenger.msn.com',
    ['hotmail.com', 'live.com', 'msn.com', 'outlook.com'],
    'Windows Live Messenger; moved to Skype in 2013',
  ),
  sip('AOL', 'sip.oscar.aol.com', ['aol.com', 'aim.com'], 'AOL Instant Messenger; ended in 2014'),
  sip('Yahoo!', 'lcsap.msg.yahoo.com', ['yahoo.com'], 'Yahoo! Messenger; ended in 2014'),
  {
    ...common('Google Talk', ['gmail.com', 'googlemail.com'], 'Google Talk; its federation has ended'),
    protocol: 'xmpp',
    verification: 'contacts',
    link: undefined,
    server: undefined,
    // Its server-to-server links knew neither TLS nor SASL.
    negotiation: {
      tls: 'unsupported',
      sasl: 'unsupported',
      dialback: true,
      dialbackOverTls: 'unverified',
      keepAlive: 0,
      connections: 20,
    },
  },
  {
    ...common('Jabber', ['jabber.org'], 'The public server jabber.org'),
    protocol: 'xmpp',
    verification: 'contacts',
    link: undefined,
    server: undefined,
    negotiation: DEFAULT_NEGOTIATION,
  },
]
