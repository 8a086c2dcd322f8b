import { existsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { Inbox } from './inbox.ts'
import { freePort, freePorts } from './ports.ts'
import { Child } from './process.ts'
import { tempDir } from './temp.ts'

export interface SoftphoneOptions {
  /** Its address-of-record, as `sip:romeo@sip.example`. It tries to register and lives without. */
  readonly uri: string
  /** Outbound proxy on 127.0.0.1. */
  readonly proxy: { readonly port: number; readonly transport?: 'udp' | 'tcp' }
  /** The one contact it writes to. */
  readonly contact: string
  /** It watches the contact, and lets everyone watch itself, each by a dialog of its own (module presence). */
  readonly presence?: boolean
  /** SIP port for UDP and TCP (the one after it serves TLS); a free one unless told. */
  readonly port?: number
}

export interface ShownText {
  readonly from: string
  readonly text: string
}

export interface Softphone extends AsyncDisposable {
  readonly uri: string
  readonly port: number
  /** Messages as shown on its console. */
  readonly shown: Inbox<ShownText>
  /** Failures it reported, as `403 Forbidden`. */
  failure(within?: number): Promise<string>
  /** What the contact has changed to, as `Offline`; what it was at first is not written down. */
  contactStatus(within?: number): Promise<string>
  /** What it is to say of itself. */
  show(status: 'online' | 'offline'): Promise<void>
  /** Types a line of text to the contact. */
  type(text: string): Promise<void>
  log(): string
}

/** Shows a received message so: `sip:juliet@xmpp.example: "text"`; the text may span lines. */
const SHOWN = /(?:^|[\r\n])(sips?:[^\r\n"]+): "([\s\S]*?)"\r?\n/g

/** A refused message in red on stderr: status and reason between two colour sequences. */
const FAILURE = /\[31m([3-6]\d\d [^\u001b]+)/

/** Its log, with colours: `<sip:juliet@xmpp.example> changed status from Online to Busy`; not from what it did not know. */
const STATUS = /changed status from \S*?m?(?:Online|Offline|Busy)\S* to \S*(Online|Offline|Busy)/

/** baresip as a text phone that needs no registrar, driven over its own console (module cons) on 127.0.0.1. */
export async function startSoftphone(options: SoftphoneOptions): Promise<Softphone> {
  const directory = await tempDir('softphone')
  const [free] = await freePorts(2)
  const port = options.port ?? (free as number)
  const consolePort = await freePort()
  try {
    const console = ['module cons.so', `cons_listen 127.0.0.1:${consolePort}`]
    await writePhone(directory.path, { ...options, port, console })
  } catch (error) {
    await directory[Symbol.asyncDispose]()
    throw error
  }

  const child = new Child('baresip', ['-f', directory.path], { name: 'baresip' })
  const shown = new Inbox<ShownText>(`${options.uri} (baresip)`, ({ from, text }) => `${from}: ${text}`)
  const stop = async (): Promise<void> => {
    shown.close('the softphone was closed')
    await child.stop(2000)
    await directory[Symbol.asyncDispose]()
  }
  let cons: Socket
  try {
    await child.line(/baresip is ready/, { within: 30_000 })
    cons = await openConsole(consolePort)
  } catch (cause) {
    await stop()
    throw new Error(`baresip did not start:\n${child.tail()}`, { cause })
  }
  watch(cons, shown)

  return {
    uri: options.uri,
    port,
    shown,
    async failure(within = 5000) {
      const line = await child.line(FAILURE, { within, what: 'no failure was reported' })
      return FAILURE.exec(line)?.[1] ?? line
    },
    async contactStatus(within = 5000) {
      const line = await child.line(STATUS, { within, what: 'the contact stayed as it was' })
      return STATUS.exec(line)?.[1] ?? line
    },
    show: (status) => command(cons, `/presence_${status}`),
    type: (text) => command(cons, `/message ${text}`),
    log: () => child.output(),
    async [Symbol.asyncDispose]() {
      cons.destroy()
      await stop()
    },
  }
}

/** A directory for `baresip -f`. The console is given as lines of its configuration. */
export async function writePhone(
  directory: string,
  phone: SoftphoneOptions & { readonly port: number; readonly console: readonly string[] },
): Promise<void> {
  const outbound = `sip:127.0.0.1:${phone.proxy.port};transport=${phone.proxy.transport ?? 'udp'}`
  // COMPAT(baresip 1.1): an account that never registers takes only requests whose URI has a local host. So it tries to,
  // and the refusal does no harm.
  const account = `<${phone.uri}>;regint=3600;outbound="${outbound}"`
  const files = {
    accounts: `${account}\n`,
    contacts: `"Contact" <${phone.contact}>${phone.presence === true ? ';presence=p2p' : ''}\n`,
    current_contact: phone.contact,
    config: [
      `sip_listen 127.0.0.1:${phone.port}`,
      `module_path ${await modulePath()}`,
      'audio_player none',
      'audio_source none',
      'audio_alert none',
      ...phone.console,
      'module_app account.so',
      'module_app contact.so',
      'module_app menu.so',
      ...(phone.presence === true ? ['module_app presence.so'] : []),
      '',
    ].join('\n'),
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
}

/** Where the distribution keeps baresip's modules: its compiled default is not always that place. */
async function modulePath(): Promise<string> {
  const architectures = (await readdir('/usr/lib')).map((name) => join('/usr/lib', name))
  const places = ['/usr/lib', '/usr/local/lib', ...architectures].map((place) =>
    join(place, 'baresip/modules'),
  )
  const found = places.find((place) => existsSync(place))
  if (found === undefined) throw new Error(`baresip has no modules in ${places.join(', ')}`)
  return found
}

function command(cons: Socket, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    cons.write(`${line}\n`, (error) => (error ? reject(error) : resolve()))
  })
}

function openConsole(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => resolve(socket)).once('error', reject)
  })
}

function watch(cons: Socket, shown: Inbox<ShownText>): void {
  let pending = ''
  cons.setEncoding('utf8').on('data', (text: string) => {
    pending += text
    let end = 0
    for (const found of pending.matchAll(SHOWN)) {
      shown.push({ from: found[1] as string, text: found[2] as string })
      end = found.index + found[0].length
    }
    pending = pending.slice(end)
  })
  cons.on('error', (error) => shown.close(error.message))
}
