import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Dragoman, dragoman, gatewayConfig, startDragoman } from '../../test/support/dragoman.ts'
import { run } from '../../test/support/process.ts'
import { type Prosody, startProsody } from '../../test/support/prosody.ts'
import { ROOT } from '../../test/support/root.ts'
import { type SipUserAgent, startSipUserAgent } from '../../test/support/sip-user-agent.ts'
import { stanzaError, startXmppClient, type XmppClient } from '../../test/support/xmpp-client.ts'
import { joining, keepRunning, offerJoining } from './keep.ts'
import { quote, step, tell } from './transcript.ts'

const KEEP = process.argv.includes('--keep')
const DIRECTORY = join(ROOT, '.demo')
const CONFIG = join(DIRECTORY, 'gateway.config.yaml')
const SECRET = 'a secret between Prosody and Dragoman'
const ENVIRONMENT = { DRAGOMAN_PROSODY_SECRET: SECRET }

const JULIET = 'juliet@xmpp.example'
const ROMEO = 'romeo@sip.example'

interface Cast {
  readonly prosody: Prosody
  readonly gateway: Dragoman
  readonly romeo: SipUserAgent
  readonly juliet: XmppClient
}

async function main(): Promise<void> {
  await rm(join(DIRECTORY, 'prosody'), { recursive: true, force: true })
  await mkdir(join(DIRECTORY, 'prosody'), { recursive: true })
  const offer = KEEP ? await offerJoining(join(DIRECTORY, 'prosody')) : undefined

  step('Starting the peers')
  await using prosody = await startProsody({
    host: 'xmpp.example',
    directory: join(DIRECTORY, 'prosody'),
    users: [{ name: 'juliet', password: 'balcony' }, ...(offer ? [offer.account] : [])],
    components: [{ domain: 'sip.example', secret: SECRET }],
    ...(offer && { extra: offer.prosody }),
  })
  const version = (await run('prosodyctl', ['--config', join(prosody.directory, 'prosody.cfg.lua'), 'about']))
    .stdout
  tell(
    'Prosody',
    `${/Prosody (\d[\w.]*)/.exec(version)?.[1] ?? ''} serves xmpp.example, clients at port ${prosody.c2sPort}`,
  )

  await using romeo = await startSipUserAgent({ uri: `sip:${ROMEO}` })
  const settings = await gatewayConfig({
    componentPort: prosody.componentPort,
    homePort: romeo.port,
  })
  const hop = { host: '127.0.0.1', port: settings.sipPort, transport: 'udp' } as const
  tell('SIP phone', `${ROMEO} at port ${romeo.port}`)

  await using gateway = await startDragoman({ config: settings.config, configFile: CONFIG, env: ENVIRONMENT })
  await prosody.line(/External component successfully authenticated/, {
    what: 'Dragoman did not attach to Prosody',
  })
  tell('Dragoman', `SIP at port ${settings.sipPort}, attached to Prosody as sip.example; ${CONFIG}`)

  await using juliet = await startXmppClient({
    port: prosody.c2sPort,
    domain: 'xmpp.example',
    username: 'juliet',
    password: 'balcony',
    resource: 'balcony',
  })
  tell('XMPP client', `${juliet.jid} is logged in`)
  const cast = { prosody, gateway, romeo, juliet }

  try {
    await xmppToSip(cast)
    await sipToXmpp(cast, hop)
    await disable(cast, settings.with({ providerEnabled: false }))
    await refusedFromXmpp(cast)
    await refusedFromSip(cast, hop)
    if (offer) {
      await gateway.reload(settings.config)
      await keepRunning(await joining({ offer, prosody, gateway, romeo, hop, config: CONFIG }))
    }
  } catch (error) {
    console.error(`\nThe gateway's last lines:\n${gateway.output().split('\n').slice(-30).join('\n')}`)
    throw error
  }
  const exit = await gateway.stop()
  if (exit.code !== 0) throw new Error(`Dragoman ended with ${exit.signal ?? exit.code}`)
}

async function xmppToSip({ romeo, juliet }: Cast): Promise<void> {
  step(`${JULIET} (XMPP) writes to ${ROMEO} (SIP)`)
  const text = 'O Romeo, Romeo, wherefore art thou Romeo? ♥'
  await juliet.message({ to: ROMEO, body: text })
  tell('juliet sends', quote(text))
  const received = await romeo.messages.next(({ body }) => body === text, {
    what: 'the message did not arrive',
  })
  if (received.from.split(';')[0] !== `sip:${JULIET}`) throw new Error(`it came from ${received.from}`)
  tell('romeo gets', `${quote(received.body)} as MESSAGE from ${received.from}, answers 200`)
  await explain(JULIET, ROMEO)
}

async function sipToXmpp({ romeo, juliet }: Cast, nextHop: Hop): Promise<void> {
  step(`${ROMEO} (SIP) answers`)
  const text = 'Call me but love, and I’ll be new baptized.'
  const answer = await romeo.message({ to: `sip:${JULIET}`, body: text, nextHop })
  tell('romeo sends', `${quote(text)} as MESSAGE, is answered ${answer.status} ${answer.reason}`)
  if (answer.status !== 200) throw new Error(`the message was answered ${answer.status} ${answer.reason}`)
  const received = await juliet.nextMessage((message) => message.getChildText('body') === text)
  if (!String(received.attrs.from).startsWith(ROMEO)) throw new Error(`it came from ${received.attrs.from}`)
  tell('juliet gets', `${quote(received.getChildText('body') ?? '')} from ${received.attrs.from}`)
  await explain(ROMEO, JULIET)
}

async function disable({ gateway }: Cast, config: object): Promise<void> {
  step('The administrator disables the provider "Example XMPP" (configuration changed, SIGHUP)')
  const line = await gateway.reload(config)
  tell('Dragoman', String(line.msg))
  if (line.msg?.includes('refused')) throw new Error('the configuration was refused')
}

async function refusedFromXmpp({ romeo, juliet }: Cast): Promise<void> {
  step(`${JULIET} writes again`)
  const text = 'Art thou not Romeo, and a Montague?'
  const id = await juliet.message({ to: ROMEO, body: text })
  tell('juliet sends', quote(text))
  const bounce = await juliet.nextMessage((message) => message.attrs.id === id, { what: 'no refusal came' })
  const error = stanzaError(bounce)
  if (error === undefined) throw new Error(`not refused: ${bounce}`)
  if (error.text === '') throw new Error(`the refusal has no text: ${bounce}`)
  tell('juliet gets', `error ${error.condition}: ${quote(error.text)}`)
  await romeo.messages.none(() => true, 300)
  tell('romeo gets', 'nothing')
  await explain(JULIET, ROMEO)
}

async function refusedFromSip({ romeo, juliet }: Cast, nextHop: Hop): Promise<void> {
  step(`${ROMEO} writes again`)
  const text = 'Neither, fair saint, if either thee dislike.'
  const answer = await romeo.message({ to: `sip:${JULIET}`, body: text, nextHop })
  tell('romeo sends', `${quote(text)}, is answered ${answer.status} ${answer.reason}`)
  if (answer.status < 400) throw new Error(`not refused: ${answer.status} ${answer.reason}`)
  await juliet.stanzas.none((stanza) => stanza.is('message'), 300)
  tell('juliet gets', 'nothing')
  await explain(ROMEO, JULIET)
}

type Hop = { readonly host: string; readonly port: number; readonly transport: 'udp' }

/** What `dragoman explain` says of the configuration now in force. */
async function explain(from: string, to: string): Promise<void> {
  const args = ['explain', '--config', CONFIG, '--from', from, '--to', to, '--kind', 'message']
  const said = await dragoman(args, { env: ENVIRONMENT })
  tell('verdict', (said.stdout || said.stderr).trimEnd())
}

try {
  await main()
  console.log('\nAll of it happened.')
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
