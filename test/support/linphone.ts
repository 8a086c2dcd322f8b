import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from './ports.ts'
import { Child } from './process.ts'
import { tempDir } from './temp.ts'

export interface LinphoneOptions {
  /** Its address-of-record, as `sip:mercutio@sip.example`. It registers, and publishes that it is online. */
  readonly uri: string
  /** The home server on 127.0.0.1, over UDP. */
  readonly proxy: { readonly port: number }
  /** The one contact that it watches. */
  readonly contact: string
}

export interface Linphone extends AsyncDisposable {
  /** What it is told next of the contact: `closed`, `open`, `busy` and the like. */
  contactStatus(within?: number): Promise<string>
  log(): string
}

/** Its log: `We are notified that ["Contact" <sip:juliet@xmpp.example>] has presence [open]`. */
const STATUS = /We are notified that \[.*\] has presence \[(.*)\]/

/** Linphone without a face (linphone-daemon): it watches its contacts by itself, with a GRUU as Contact. */
export async function startLinphone({ uri, proxy, contact }: LinphoneOptions): Promise<Linphone> {
  const directory = await tempDir('linphone')
  const config = join(directory.path, 'linphonerc')
  const route = `sip:127.0.0.1:${proxy.port};transport=udp`
  // Without it there is no database, and without a database no contacts.
  await mkdir(join(directory.path, '.local/share/linphone'), { recursive: true })
  await writeFile(
    config,
    [
      ...['[sip]', `sip_port=${await freePort()}`, 'sip_tcp_port=0', 'sip_tls_port=0', 'default_proxy=0'],
      ...['use_ipv6=0', 'register_only_when_network_is_up=0'],
      ...['[proxy_0]', `reg_proxy=<${route}>`, `reg_route=<${route};lr>`, `reg_identity=${uri}`],
      ...['reg_expires=3600', 'reg_sendregister=1', 'publish=1', 'publish_expires=600'],
      ...['[friend_0]', `url="Contact" <${contact}>`, 'pol=accept', 'subscribe=1', ''],
    ].join('\n'),
  )
  const child = new Child('linphone-daemon', ['--config', config, '--log', '/dev/stdout'], {
    name: 'linphone',
    env: { HOME: directory.path },
    stdin: 'open',
  })
  const stop = async (): Promise<void> => {
    await child.stop(3000)
    await directory[Symbol.asyncDispose]()
  }
  try {
    await child.line(/Updating friends for identity/, { within: 20_000, what: 'it was not registered' })
  } catch (cause) {
    await stop()
    throw new Error(`linphone did not start:\n${child.tail()}`, { cause })
  }
  return {
    async contactStatus(within = 5000) {
      const line = await child.line(STATUS, { within, what: 'it was told nothing of the contact' })
      return STATUS.exec(line)?.[1] ?? line
    },
    log: () => child.output(),
    [Symbol.asyncDispose]: stop,
  }
}
