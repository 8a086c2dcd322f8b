import type { Case } from './case.ts'
import type { ComponentLink, Negotiation } from './model.ts'
import { negotiationCheck } from './negotiation.ts'
import { pass, refuse } from './step.ts'
import type { Step } from './verdict.ts'

const BY_COMPONENT = pass('domain-proof', 'the link’s remote list holds the sender’s domain')
const BY_ANY = pass('domain-proof', 'the link may speak for any domain')
const BY_HOME = pass('domain-proof', 'the home server serves the sender’s domain')
const BY_EDGE = pass('domain-proof', 'the client certificate names an access edge of the provider')
const BY_NAME = pass('domain-proof', 'the client certificate names the sender’s domain')
const BY_CERTIFICATE = pass('domain-proof', 'the certificate on the stream names the sender’s domain')
const BY_DIALBACK = pass('domain-proof', 'dialback, which the provider’s settings accept')

/**
 * Did the peer prove that it may speak for the sender's domain? Nothing here says whether its user is who it says:
 * that is the mark's question. Also: may the link carry this served domain at all.
 */
export function domainProof(c: Case): Step {
  return c.direction === 'outbound' ? proofOfHome(c) : proofOfPeer(c)
}

function proofOfHome(c: Case): Step {
  const { evidence, served } = c
  if (evidence.kind !== 'home') return refuse('domain-not-proved', 'it did not come from a home server')
  const expected = c.subject.home ?? served?.home
  if (evidence.home !== expected) {
    return refuse('domain-not-proved', `home ${evidence.home} spoke for a user of home ${expected}`)
  }
  if (c.snapshot.homes.get(evidence.home)?.suspended !== false) {
    return refuse('suspended', `home ${evidence.home} is suspended`, 'domain-proof')
  }
  return mayCarry(c) ?? BY_HOME
}

function proofOfPeer(c: Case): Step {
  const { evidence, remote, standing } = c
  const provider = standing.provider
  switch (evidence.kind) {
    case 'component': {
      const link = c.snapshot.links.get(evidence.link)
      if (link?.kind !== 'component') return refuse('domain-not-proved', `there is no link ${evidence.link}`)
      if (provider?.protocol === 'sip') {
        return refuse('wrong-link', `provider ${provider.name} speaks SIP, it came over link ${link.name}`)
      }
      if (link.name !== c.link?.name) {
        return c.link === undefined
          ? refuse('link-not-for-domain', `link ${link.name} is not among those that carry ${c.served?.name}`)
          : refuse('wrong-link', `${remote} is bound to link ${c.link.name}, it came over ${link.name}`)
      }
      return provenBy(link, c) ?? mayCarry(c) ?? (link.remote === 'any' ? BY_ANY : BY_COMPONENT)
    }
    case 's2s':
      if (provider?.protocol === 'sip') return refuse('wrong-link', `provider ${provider.name} speaks SIP`)
      if (c.link !== undefined && c.link.name !== evidence.link) {
        return refuse(
          'wrong-link',
          `${remote} is bound to link ${c.link.name}, it came over ${evidence.link}`,
        )
      }
      if (evidence.certificate === 'match') return mayCarry(c) ?? BY_CERTIFICATE
      if (evidence.dialback === 'valid' && acceptsDialback(provider?.negotiation, evidence.tls)) {
        return mayCarry(c) ?? BY_DIALBACK
      }
      return refuse(
        'domain-not-proved',
        `certificate ${evidence.certificate}, dialback ${evidence.dialback}, ${evidence.tls ? 'over TLS' : 'in clear'}`,
      )
    case 'sip-peer':
      if (provider?.protocol === 'xmpp') return refuse('wrong-link', `provider ${provider.name} speaks XMPP`)
      if (provider === undefined) {
        return evidence.names.includes(remote)
          ? BY_NAME
          : refuse('domain-not-proved', `the client certificate does not name ${remote}`)
      }
      return evidence.names.some((name) => provider.accessEdges.includes(name))
        ? BY_EDGE
        : refuse('domain-not-proved', `the client certificate names no access edge of ${provider.name}`)
    case 'home':
      return refuse(
        'domain-not-proved',
        `home ${evidence.home} spoke for ${remote}, which is not served here`,
      )
    case 'none':
      return refuse('domain-not-proved', 'the peer proved nothing')
    default:
      return evidence satisfies never
  }
}

function provenBy(link: ComponentLink, c: Case): Step | undefined {
  if (link.remote === 'any' || c.snapshot.remotes.get(link.name)?.get(c.remote) !== undefined)
    return undefined
  return refuse('domain-not-proved', `the remote list of link ${link.name} does not hold ${c.remote}`)
}

/** A refusal if the link of the remote domain may not carry the served one; undefined: it may, or there is none. */
function mayCarry(c: Case): Step | undefined {
  const { link, served } = c
  if (link === undefined || served === undefined) return undefined
  if (link.suspended) return refuse('suspended', `link ${link.name} is suspended`, 'domain-proof')
  if (served.links.includes(link.name)) return undefined
  return refuse('link-not-for-domain', `link ${link.name} is not among those that carry ${served.name}`)
}

/** Without settings of its own (an allowed or discovered domain) dialback counts over TLS only. */
function acceptsDialback(negotiation: Negotiation | undefined, tls: boolean): boolean {
  if (negotiation === undefined) return tls
  return negotiationCheck(negotiation).accepted.includes(tls ? 'tls-dialback' : 'tcp-dialback')
}
