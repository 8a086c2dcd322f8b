import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../src/store/open.ts'
import { storeOptions } from '../../compliance/bed.ts'
import { answerText, until } from '../../sip/endpoint/bed.ts'
import { tempDir } from '../../support/temp.ts'
import { type GatewayBed, gatewayBed, stanzaText, statusOf } from '../gateway-bed.ts'
import { conditionOf } from '../support.ts'

/** A gateway at level `contacts` on a store: Juliet may write to Romeo once he has asked to see her. */
async function bed(): Promise<GatewayBed & { learned(): number }> {
  const directory = await tempDir('learned')
  const place = { kind: 'sqlite', path: join(directory.path, 'federation.db') } as const
  const opened = await openStore(place, storeOptions())
  if (!opened.ok) throw new Error(opened.error.message)
  const store = opened.value
  onTestFinished(async () => {
    await store.close()
    await directory[Symbol.asyncDispose]()
  })
  store.watch(() => undefined)
  const at = await gatewayBed({ verification: 'contacts', people: store })
  return { ...at, learned: () => store.learnedStats().written }
}

let serial = 0

interface Dialog {
  readonly callId: string
  readonly tag: string
}

/** SUBSCRIBE from Romeo’s home server, and the dialog that it makes. */
async function subscribe(at: GatewayBed, expires: number, within?: Dialog): Promise<Dialog> {
  const callId = within?.callId ?? `subscription-${++serial}`
  const before = at.home.received.length
  at.home.send(
    [
      'SUBSCRIBE sip:juliet@xmpp.example SIP/2.0',
      `Via: SIP/2.0/UDP 127.0.0.1:${at.home.port};branch=z9hG4bKsub${++serial};rport`,
      'Max-Forwards: 70',
      'From: <sip:romeo@sip.example>;tag=phone',
      `To: <sip:juliet@xmpp.example>${within === undefined ? '' : `;tag=${within.tag}`}`,
      `Call-ID: ${callId}`,
      `CSeq: ${++serial} SUBSCRIBE`,
      `Contact: <sip:romeo@127.0.0.1:${at.home.port}>`,
      'Event: presence',
      `Expires: ${expires}`,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
    at.port,
  )
  const since = () => at.home.received.slice(before)
  const find = (start: string) => since().find((text) => text.startsWith(start) && text.includes(callId))
  await until(() => find('SIP/2.0') !== undefined && find('NOTIFY') !== undefined)
  expect(statusOf(find('SIP/2.0') ?? '')).toBe(200)
  at.home.send(answerText(find('NOTIFY') ?? '', 200), at.port)
  return { callId, tag: /^To:.*;tag=(\S+)/im.exec(find('SIP/2.0') ?? '')?.[1] ?? '' }
}

/** What Juliet hears when she writes to Romeo; undefined: it has arrived. */
async function writes(at: GatewayBed, body: string): Promise<string | undefined> {
  const before = at.xmpp.messages().length
  at.xmpp.send(stanzaText(body))
  const arrived = () => at.home.received.find((text) => text.startsWith('MESSAGE ') && text.endsWith(body))
  await until(() => arrived() !== undefined || at.xmpp.messages().length > before)
  const request = arrived()
  if (request !== undefined) at.home.send(answerText(request, 200), at.port)
  return conditionOf(at.xmpp.messages()[before])
}

test('a SUBSCRIBE puts the XMPP user on the Allow list; a fetch and what goes on within a dialog do not', async () => {
  const at = await bed()
  await subscribe(at, 0)
  expect([await writes(at, 'one'), at.learned()]).toEqual(['forbidden', 0])
  const dialog = await subscribe(at, 600)
  await until(() => at.learned() === 1)
  expect(await writes(at, 'two')).toBeUndefined()
  await subscribe(at, 600, dialog)
  await subscribe(at, 0, dialog)
  at.xmpp.send("<presence from='juliet@xmpp.example' to='romeo@sip.example' type='unsubscribed'/>")
  expect(await writes(at, 'three')).toBeUndefined()
  expect(at.learned()).toBe(1)
})
