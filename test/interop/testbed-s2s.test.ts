import { expect, test } from 'vitest'
import { Authority } from '../support/certificates.ts'
import { type DnsServer, startDnsServer } from '../support/dns-server.ts'
import { type Ejabberd, startEjabberd } from '../support/ejabberd.ts'
import { identityOf } from '../support/identity.ts'
import { type Prosody, startProsody } from '../support/prosody.ts'
import type { S2sSettings } from '../support/s2s-settings.ts'
import { s2sZone } from '../support/s2s-zone.ts'
import { stanzaError, startXmppClient } from '../support/xmpp-client.ts'

const password = 'balcony'
const authority = new Authority('Test authority')

interface Scene {
  readonly prosody: Prosody
  readonly ejabberd: Ejabberd
  readonly dns: DnsServer
}

/** Prosody and ejabberd find each other by our DNS, and a message crosses each way. */
async function federate(
  settings: Pick<S2sSettings, 'secure' | 'directTls'>,
  look: (scene: Scene) => Promise<void>,
): Promise<void> {
  await using dns = await startDnsServer({})
  const s2s = { dns, ...settings }
  await using prosody = await startProsody({
    host: 'prosody.example',
    users: [{ name: 'juliet', password }],
    s2s: { ...s2s, identity: identityOf(authority, 'prosody.example') },
    log: 'debug',
  })
  await using ejabberd = await startEjabberd({
    host: 'ejabberd.example',
    users: [{ name: 'romeo', password }],
    s2s: { ...s2s, identity: identityOf(authority, 'ejabberd.example') },
  })
  const places = s2sZone({
    'prosody.example': { host: 'localhost', ...portsOf(prosody, settings.directTls) },
    'ejabberd.example': portsOf(ejabberd, settings.directTls),
  })
  for (const [name, entry] of Object.entries(places)) dns.set(name, entry)
  const login = { username: 'juliet', password, domain: 'prosody.example', port: prosody.c2sPort }
  await using juliet = await startXmppClient(login)
  await using romeo = await startXmppClient({
    ...{ username: 'romeo', password, domain: 'ejabberd.example', port: ejabberd.c2sPort },
  })
  try {
    await juliet.message({ to: romeo.jid, body: 'art thou not Romeo?' })
    expect((await romeo.nextMessage()).getChildText('body')).toBe('art thou not Romeo?')
    await romeo.message({ to: juliet.jid, body: 'neither, fair maid' })
    expect((await juliet.nextMessage()).getChildText('body')).toBe('neither, fair maid')
    await look({ prosody, ejabberd, dns })
  } catch (error) {
    console.error(`${prosody.log().slice(-10_000)}\n${ejabberd.log().slice(-10_000)}`)
    throw error
  }
}

const portsOf = (
  { s2sPort: port, s2sDirectPort: directPort }: Prosody | Ejabberd,
  directTls: boolean | undefined,
) => (directTls ? { port, directPort } : { port })

test('Prosody and ejabberd believe certificates of our authority, and do SASL EXTERNAL over STARTTLS', async () => {
  await federate({ secure: 'certificate' }, async ({ prosody, ejabberd, dns }) => {
    await ejabberd.line(/\(tls\|.*Accepted inbound s2s EXTERNAL authentication prosody\.example/)
    await ejabberd.line(/\(tls\|.*Accepted outbound s2s EXTERNAL authentication .* -> prosody\.example/)
    await prosody.line(/Accepting SASL EXTERNAL identity from ejabberd\.example/)
    expect(dns.count('_xmpp-server._tcp.ejabberd.example', 'SRV')).toBe(1)
    expect(dns.count('_xmpp-server._tcp.prosody.example', 'SRV')).toBe(1)
    expect(dns.count('xmpp.ejabberd.example', 'A')).toBe(1)
  })
})

test('the same over direct TLS', async () => {
  await federate({ secure: 'certificate', directTls: true }, async ({ prosody, ejabberd }) => {
    await ejabberd.line(new RegExp(`Accepted connection .* -> 127\\.0\\.0\\.1:${ejabberd.s2sDirectPort}$`))
    await ejabberd.line(/\(tls\|.*Accepted inbound s2s EXTERNAL authentication prosody\.example/)
    await prosody.line(new RegExp(`New connection .* on server .*\\b${prosody.s2sDirectPort}\\b`))
    await prosody.line(/Accepting SASL EXTERNAL identity from ejabberd\.example/)
  })
})

test('dialback over TLS, since neither believes the other’s certificate', async () => {
  await federate({ secure: 'dialback-tls' }, async ({ prosody, ejabberd }) => {
    await ejabberd.line(/\(tls\|.*Accepted inbound s2s dialback authentication prosody\.example/)
    await ejabberd.line(/\(tls\|.*Accepted outbound s2s dialback authentication .* -> prosody\.example/)
    await prosody.line(/s2sin\w+ +info\tStream encrypted/)
    await prosody.line(/Incoming s2s connection ejabberd\.example->prosody\.example complete/)
  })
})

test('dialback in clear', async () => {
  await federate({ secure: 'clear' }, async ({ prosody, ejabberd }) => {
    await ejabberd.line(/\(tcp\|.*Accepted inbound s2s dialback authentication prosody\.example/)
    await ejabberd.line(/\(tcp\|.*Accepted outbound s2s dialback authentication .* -> prosody\.example/)
    await prosody.line(/Incoming s2s connection ejabberd\.example->prosody\.example complete/)
    expect(prosody.log()).not.toMatch(/Stream encrypted/)
  })
})

test('what DNS does not know comes back', async () => {
  await using dns = await startDnsServer(s2sZone({ 'none.example': { port: '.' } }))
  await using prosody = await startProsody({
    host: 'prosody.example',
    users: [{ name: 'juliet', password }],
    s2s: { dns, secure: 'clear' },
  })
  await using juliet = await startXmppClient({
    ...{ username: 'juliet', password, domain: 'prosody.example', port: prosody.c2sPort },
  })
  await juliet.message({ to: 'romeo@none.example', body: 'art thou there?' })
  expect(stanzaError(await juliet.nextMessage())?.condition).toBe('remote-server-not-found')
  expect(dns.count('_xmpp-server._tcp.none.example', 'SRV')).toBe(1)
})
