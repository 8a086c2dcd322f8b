import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import { storeOptions } from '../compliance/bed.ts'
import { address } from '../federation/fixtures.ts'
import { type FakeTime, fakeTime } from '../kernel/fake-time.ts'
import { answerText, until } from '../sip/endpoint/bed.ts'
import { tempDir } from '../support/temp.ts'
import { type GatewayBed, gatewayBed, messageText, stanzaText } from './gateway-bed.ts'
import { conditionOf, errorTo } from './support.ts'

/** A gateway at level `contacts` on a store, and the same store as another process has it. */
async function bed(
  time: Partial<FakeTime> = {},
): Promise<GatewayBed & { readonly store: Store; readonly other: Store }> {
  const directory = await tempDir('learning')
  const open = async (): Promise<Store> => {
    const place = { kind: 'sqlite', path: join(directory.path, 'federation.db') } as const
    const opened = await openStore(place, storeOptions(time))
    if (!opened.ok) throw new Error(opened.error.message)
    return opened.value
  }
  const [store, other] = [await open(), await open()]
  onTestFinished(async () => {
    await store.close()
    await other.close()
    await directory[Symbol.asyncDispose]()
  })
  store.watch(() => undefined)
  return { ...(await gatewayBed({ verification: 'contacts', people: store })), store, other }
}

/** What becomes of Juliet's words to Romeo: the text at his home server, or the error that she gets. */
async function said(at: GatewayBed, body: string): Promise<string | undefined> {
  const before = at.xmpp.messages().length
  const id = `said-${body.replaceAll(' ', '-')}`
  at.xmpp.send(stanzaText(body, id))
  const arrived = () => at.home.received.find((text) => text.startsWith('MESSAGE ') && text.endsWith(body))
  await until(() => arrived() !== undefined || at.xmpp.messages().length > before)
  const request = arrived()
  if (request !== undefined) at.home.send(answerText(request, 200), at.port)
  return conditionOf(at.xmpp.messages()[before])
}

async function romeoWrites(at: GatewayBed, body: string): Promise<void> {
  const count = at.xmpp.messages().length
  at.home.send(messageText(at.home.port, { body }), at.port)
  await until(() => at.xmpp.messages().length > count)
}

const written = (store: Store, count: number) => until(() => store.learnedStats().written === count)

test('an entry that another process has learned acts within a second', async () => {
  const time = fakeTime()
  const at = await bed(time)
  let told = 0
  at.store.onLearned(() => told++)
  expect(await said(at, 'let me in')).toBe('forbidden')
  at.other.learn(address('romeo@sip.example'), address('juliet@xmpp.example'), { lifetime: 1e12, perUser: 9 })
  time.pass(200)
  await written(at.other, 1)
  time.pass(800)
  await until(() => told === 1)
  expect(await said(at, 'now')).toBeUndefined()
})

test('whom our user has written to may answer, unless the message comes back later', async () => {
  const at = await bed()
  await romeoWrites(at, 'good morrow')
  await written(at.store, 1)
  expect(await said(at, 'good morrow to you')).toBeUndefined()
  const [sent] = at.xmpp.messages()
  if (sent === undefined) throw new Error('nothing was sent')
  at.xmpp.send(errorTo(sent, 'service-unavailable').toString())
  await until(() => at.store.learnedStats().takenBack === 1)
  expect(await said(at, 'a stranger again')).toBe('forbidden')
})
