import { negotiationCheck } from '../federation/negotiation.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import { certificatesIn, readCertificate } from '../net/tls/certificate.ts'
import type { Material } from '../net/tls/credentials.ts'
import { presentedNames } from '../net/tls/presented-names.ts'
import { xmppProof } from '../net/tls/xmpp-identity.ts'
import type { RowFinding } from './federation-rows.ts'
import type { FileValues } from './schema.ts'
import { twiceIn } from './tls.ts'

type Xmpp = FileValues['xmpp']
type SipListeners = FileValues['sip']['listeners']

/** What cannot stand in `xmpp.tls` and `xmpp.s2s`. */
export function s2sFindings({ tls, s2s }: Xmpp, sip: SipListeners): RowFinding[] {
  const { families, retry } = s2s
  const found = [...twiceIn(tls, 'xmpp'), ...listenersOf(s2s.listeners, sip)]
  s2s.listeners.forEach((listener, index) => {
    if (listener.tls !== 'direct' || tls !== undefined) return
    found.push({
      path: ['xmpp', 's2s', 'listeners', index, 'tls'],
      message: 'is direct, and there is no certificate to show',
      cure: 'add xmpp.tls.certificates: [{ name: xmpp, cert: xmpp.pem, key: xmpp.key }]',
    })
  })
  if (new Set(families).size < families.length) {
    found.push({
      path: ['xmpp', 's2s', 'families'],
      message: 'names one family twice',
      cure: 'write [4, 6], [6, 4], [4] or [6]',
    })
  }
  if (retry.ceiling < retry.first) {
    found.push({
      path: ['xmpp', 's2s', 'retry', 'ceiling'],
      message: 'is shorter than xmpp.s2s.retry.first',
      cure: 'raise it, or lower xmpp.s2s.retry.first',
    })
  }
  return found
}

/** One name and one socket each, those of SIP among them. */
function listenersOf(listeners: Xmpp['s2s']['listeners'], sip: SipListeners): RowFinding[] {
  const socketOf = ({ address, port }: { readonly address: string; readonly port: number }): string =>
    `${address} ${port}`
  const names = new Set(sip.map(({ name }) => name))
  const sockets = new Map(
    sip.filter(({ transport }) => transport !== 'udp').map((row) => [socketOf(row), row.name]),
  )
  return listeners.flatMap((listener, index) => {
    const path = ['xmpp', 's2s', 'listeners', index]
    const { name, address, port } = listener
    const found: RowFinding[] = []
    if (names.has(name)) {
      found.push({
        path: [...path, 'name'],
        message: `listener "${name}" is there twice`,
        cure: 'give one of them another name, also than those of sip.listeners',
      })
    }
    const other = sockets.get(socketOf(listener))
    if (other !== undefined) {
      found.push({
        path: [...path, 'port'],
        message: `listeners "${name}" and "${other}" are the same port ${port} of ${address}`,
        cure: 'remove one, or give it another port',
      })
    }
    names.add(name)
    sockets.set(socketOf(listener), name)
    return found
  })
}

/**
 * What can stand with the rows as they are, and will not do what was meant.
 * @param whole all rows are there: those of the store may bring the link that is missing
 */
export function s2sDoubts(
  { tls, s2s }: Xmpp,
  snapshot: Snapshot,
  material: Material | undefined,
  whole: boolean,
): RowFinding[] {
  const links = [...snapshot.links.values()].filter(({ kind }) => kind === 's2s').map(({ name }) => name)
  const [link] = links
  if (link === undefined) {
    return s2s.listeners.length === 0 || !whole
      ? []
      : [
          {
            path: ['xmpp', 's2s', 'listeners'],
            message: 'there is no link of kind s2s: whoever connects is refused',
            cure: 'add to federation.links: { name: outside, kind: s2s }, and to the links of a served domain',
          },
        ]
  }
  const found: RowFinding[] = []
  if (s2s.listeners.length === 0) {
    found.push({
      path: ['xmpp', 's2s', 'listeners'],
      message: `link "${link}" goes from server to server, and no listener is there: nobody can answer, nor verify us by dialback`,
      cure: 'add a listener: { name: s2s, address: 192.0.2.1 }',
    })
  }
  const who = tls === undefined ? needsTls(snapshot, new Set(links)) : undefined
  if (who !== undefined) {
    found.push({
      path: ['xmpp', 'tls'],
      message: `is missing: ${who} needs TLS, and who connects to us cannot be offered it`,
      cure: 'add xmpp.tls: { certificates: [{ name: xmpp, cert: xmpp.pem, key: xmpp.key }] }',
    })
  }
  if (material !== undefined) found.push(...unproved(snapshot, new Set(links), material))
  return found
}

/** Who is not spoken with in clear: a provider over such a link, or whoever has no provider. */
function needsTls(snapshot: Snapshot, links: ReadonlySet<string>): string | undefined {
  for (const row of snapshot.providers.values()) {
    if (row.protocol !== 'xmpp' || !row.enabled || row.link === undefined || !links.has(row.link)) continue
    if (!negotiationCheck(row.negotiation).accepted.includes('tcp-dialback')) return `provider "${row.name}"`
  }
  return snapshot.federation.openDiscovery.enabled ? 'open discovery' : undefined
}

/** Served domains for which no certificate of ours would be believed. */
function unproved(snapshot: Snapshot, links: ReadonlySet<string>, { certificates }: Material): RowFinding[] {
  const shown = certificates.flatMap(({ cert }) => {
    const [first] = certificatesIn(cert)
    const read = first === undefined ? undefined : readCertificate(first)
    const names = read?.ok === true ? presentedNames(read.value) : undefined
    return names === undefined ? [] : [names]
  })
  return [...snapshot.servedDomains.values()]
    .filter((row) => row.links.some((name) => links.has(name)))
    .filter(({ name }) => !shown.some((names) => xmppProof(names, name) !== undefined))
    .map(({ name }) => ({
      path: ['xmpp', 'tls', 'certificates'],
      message: `none of them proves the served domain ${name}, which goes from server to server`,
      cure: `add one with ${name} in subjectAltName; until then others believe it by dialback, if at all`,
    }))
}
