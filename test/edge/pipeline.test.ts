import { expect, test } from 'vitest'
import { failed } from '../../src/edge/arrival.ts'
import { SubjectCache } from '../../src/edge/subject-cache.ts'
import type { SubjectRecord } from '../../src/edge/subjects.ts'
import { domain, link, served, sipProvider, xmppProvider } from '../federation/fixtures.ts'
import { arrivalOf, FROM_HOME, JULIET, open, pipelineRig, ROMEO } from './support.ts'

test('a permitted request leaves by the exit of its side, and stays open until it ends', () => {
  const homes: string[] = []
  const links: string[] = []
  const rig = pipelineRig({
    exits: {
      toHome: (arrival, home) => {
        homes.push(home.name)
        arrival.end({ kind: 'delivered' })
      },
      toXmpp: (_arrival, row) => links.push(row.name),
    },
  })
  const inbound = arrivalOf()
  rig.pipeline.take(inbound)
  expect(homes).toEqual(['main'])
  expect(inbound.endings).toEqual([{ kind: 'delivered' }])
  expect(rig.pipeline.open).toBe(0)

  rig.pipeline.take(arrivalOf({ from: ROMEO, to: JULIET, evidence: FROM_HOME }))
  expect(links).toEqual(['prosody'])
  expect(rig.pipeline.open).toBe(1)
  expect(rig.counters.get('message.delivered')).toBe(1)
})

test('a refused request never reaches an exit; the log line has the id that the peer gets', () => {
  const rig = pipelineRig()
  rig.snapshot = open({ providers: [xmppProvider({ enabled: false })] })
  const arrival = arrivalOf({ body: 'secret words' })
  rig.pipeline.take(arrival)
  expect(rig.out).toEqual([])
  const [ending] = arrival.endings
  expect(ending).toMatchObject({ kind: 'refused', reason: 'provider-disabled' })
  expect(arrival.endings).toHaveLength(1)
  const line = rig.log.lines.find(({ message }) => message === 'refused')
  expect(line?.fields).toMatchObject({
    id: ending?.kind === 'refused' ? ending.id : '',
    reason: 'provider-disabled',
    from: JULIET,
    to: ROMEO,
  })
  expect(String(line?.fields.detail)).toMatch(/disabled/)
  expect(JSON.stringify(rig.log.lines)).not.toContain('secret words')
  expect(rig.counters.get('refused.provider-disabled')).toBe(1)
})

test('an exception on the way ends the request as internal, with the id in the log', () => {
  const boom = new Error('boom')
  const rig = pipelineRig({
    exits: {
      toHome: () => {
        throw boom
      },
    },
  })
  const arrival = arrivalOf()
  expect(() => rig.pipeline.take(arrival)).not.toThrow()
  expect(arrival.endings).toEqual([failed('internal')])
  expect(rig.pipeline.open).toBe(0)
  expect(rig.log.lines).toMatchObject([
    { level: 'error', message: 'fault', fields: { err: boom, from: JULIET } },
  ])
  expect(rig.log.lines[0]?.fields.id).toMatch(/\S/)
  expect(rig.counters.get('fault')).toBe(1)
})

test('an exception after the end is logged, and the request does not end again', () => {
  const rig = pipelineRig({
    exits: {
      toHome: (arrival) => {
        arrival.end({ kind: 'delivered' })
        throw new Error('too late')
      },
    },
  })
  const arrival = arrivalOf()
  rig.pipeline.take(arrival)
  expect(arrival.endings).toEqual([{ kind: 'delivered' }])
  expect(rig.counters.get('fault')).toBe(1)
  expect(rig.counters.get('ended.twice')).toBe(1)
})

test('a leg that throws while it answers is logged and throws at nobody', () => {
  const rig = pipelineRig({ exits: { toHome: (arrival) => arrival.end({ kind: 'delivered' }) } })
  const arrival = arrivalOf({
    onEnd: () => {
      throw new Error('broken leg')
    },
  })
  expect(() => rig.pipeline.take(arrival)).not.toThrow()
  expect(rig.pipeline.open).toBe(0)
  expect(rig.counters.get('fault')).toBe(1)
})

test('a second end is counted and goes no further', () => {
  const rig = pipelineRig()
  const arrival = arrivalOf()
  rig.pipeline.take(arrival)
  rig.out[0]?.end({ kind: 'delivered' })
  rig.out[0]?.end(failed('timeout'))
  expect(arrival.endings).toEqual([{ kind: 'delivered' }])
  expect(rig.counters.get('ended.twice')).toBe(1)
  expect(rig.pipeline.open).toBe(0)
})

test('what goes from server to server leaves by XMPP too', () => {
  const links: string[] = []
  const rig = pipelineRig({
    exits: {
      toXmpp: (arrival, { name }) => {
        links.push(name)
        arrival.end({ kind: 'delivered' })
      },
    },
  })
  rig.snapshot = open({
    links: [link(), { kind: 's2s', name: 'internet', suspended: false }],
    servedDomains: [served({ links: ['prosody', 'internet'] })],
    providers: [xmppProvider({ verification: 'all', link: 'internet' })],
  })
  const arrival = arrivalOf({ from: ROMEO, to: JULIET, evidence: FROM_HOME })
  rig.pipeline.take(arrival)
  expect(arrival.endings).toEqual([{ kind: 'delivered' }])
  expect(links).toEqual(['internet'])
})

test('where nothing leads there it ends as no-route', () => {
  const rig = pipelineRig()
  rig.snapshot = open({
    providers: [],
    allowedDomains: [{ name: domain('xmpp.example'), verification: 'all', comment: '', suspended: false }],
    servedDomains: [served({ links: [] })],
  })
  const arrival = arrivalOf({ from: ROMEO, to: JULIET, evidence: FROM_HOME })
  rig.pipeline.take(arrival)
  expect(arrival.endings).toEqual([failed('no-route')])
  expect(rig.log.lines.at(-1)).toMatchObject({
    message: 'no way there',
    fields: { reason: 'unknown-domain' },
  })
})

test('what goes to a SIP provider, or to a domain that DNS finds, leaves by the SIP leg', () => {
  const rig = pipelineRig()
  rig.snapshot = open({ providers: [xmppProvider(), sipProvider({ verification: 'all' })] })
  const arrival = arrivalOf({ from: ROMEO, to: 'paris@partner.example', evidence: FROM_HOME })
  rig.pipeline.take(arrival)
  expect(rig.out.map(({ to }) => to)).toEqual([arrival.to])
})

test('nobody but the link of its domain may bring a sender in', () => {
  const rig = pipelineRig()
  rig.snapshot = open({
    links: [link(), link({ name: 'other', host: '127.0.0.2', remote: [], addressing: { kind: 'escaped' } })],
  })
  const arrival = arrivalOf({ evidence: { kind: 'component', link: 'other' } })
  rig.pipeline.take(arrival)
  expect(arrival.endings).toMatchObject([{ kind: 'refused' }])
})

test('a text that goes to and fro too often is stopped', () => {
  const rig = pipelineRig()
  const there = () => arrivalOf({ from: JULIET, to: ROMEO, body: 'echo' })
  const back = () => arrivalOf({ from: ROMEO, to: JULIET, body: 'echo', evidence: FROM_HOME })
  const all = [there(), back(), there(), back(), there(), back()]
  for (const arrival of all) rig.pipeline.take(arrival)
  expect(rig.out).toHaveLength(5)
  expect(all[5]?.endings).toEqual([failed('loop')])
  expect(rig.counters.get('refused.loop')).toBe(1)
})

test('what is open is in the log at debug only, without its text unless wanted', () => {
  const quiet = pipelineRig()
  quiet.pipeline.take(arrivalOf({ body: 'whisper' }))
  quiet.out[0]?.end({ kind: 'delivered' })
  expect(quiet.log.lines).toEqual([])

  const chatty = pipelineRig({ levels: ['debug'] })
  chatty.pipeline.take(arrivalOf({ body: 'whisper', callId: 'c-7' }))
  chatty.out[0]?.end({ kind: 'delivered' })
  expect(chatty.log.lines).toMatchObject([
    { level: 'debug', fields: { callId: 'c-7', outcome: 'delivered' } },
  ])
  expect(JSON.stringify(chatty.log.lines)).not.toContain('whisper')

  const open = pipelineRig()
  open.bodies = true
  open.pipeline.take(arrivalOf({ body: 'whisper' }))
  open.out[0]?.end(failed('timeout'))
  expect(open.log.lines).toMatchObject([{ level: 'info', fields: { body: 'whisper', outcome: 'timeout' } }])
})

test('drain: nothing open, nothing to wait for; what comes then is told that we stop', async () => {
  const rig = pipelineRig()
  expect(await rig.pipeline.drain(1000)).toBe(true)
  const late = arrivalOf()
  rig.pipeline.take(late)
  expect(late.endings).toEqual([failed('shutdown')])
  expect(rig.pipeline.open).toBe(0)
  expect(rig.counters.get('message.shutdown')).toBe(1)
})

test('drain waits for the last end', async () => {
  const rig = pipelineRig()
  rig.pipeline.take(arrivalOf())
  rig.pipeline.take(arrivalOf({ body: 'other' }))
  const timers = rig.time.timers.size
  let drained: boolean | undefined
  const draining = rig.pipeline.drain(1000).then((result) => {
    drained = result
  })
  rig.time.pass(500)
  rig.out[0]?.end({ kind: 'delivered' })
  await Promise.resolve()
  expect(drained).toBeUndefined()
  rig.out[1]?.end(failed('timeout'))
  await draining
  expect(drained).toBe(true)
  expect(rig.time.timers.size).toBe(timers)
})

test('drain: at the limit what is open is ended as shutdown, and later ends do nothing', async () => {
  const rig = pipelineRig()
  const arrival = arrivalOf()
  rig.pipeline.take(arrival)
  const draining = rig.pipeline.drain(1000)
  rig.time.pass(999)
  expect(arrival.endings).toEqual([])
  rig.time.pass(1)
  expect(arrival.endings).toEqual([failed('shutdown')])
  expect(await draining).toBe(false)
  rig.out[0]?.end(failed('transport'))
  expect(arrival.endings).toHaveLength(1)
  expect(rig.counters.get('ended.late')).toBe(1)
  expect(rig.counters.get('ended.twice')).toBe(0)
})

/** A store that answers when the test says so. */
function slowStore() {
  const asked: { answer(record: SubjectRecord): void; fail(error: unknown): void }[] = []
  const records = new SubjectCache(
    { load: () => new Promise((answer, fail) => asked.push({ answer, fail })) },
    100,
  )
  return { asked, records }
}
const NOBODY: SubjectRecord = { user: undefined, contacts: undefined }
const settle = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

test('a store that takes its time: requests of one pair stay in order, others do not wait', async () => {
  const { asked, records } = slowStore()
  const rig = pipelineRig({ records })
  for (const body of ['1', '2']) rig.pipeline.take(arrivalOf({ body }))
  rig.pipeline.take(arrivalOf({ body: 'nurse', from: 'nurse@xmpp.example' }))
  expect(asked).toHaveLength(2)
  expect(rig.out).toEqual([])
  asked[1]?.answer(NOBODY)
  await settle()
  asked[0]?.answer(NOBODY)
  await settle()
  rig.pipeline.take(arrivalOf({ body: '3' }))
  await settle()
  const bodies = rig.out.map(({ request }) => Buffer.from(request.body).toString())
  expect(bodies).toEqual(['nurse', '1', '2', '3'])
})

test('a store that fails permits nothing: the request ends, and the next asks again', async () => {
  const { asked, records } = slowStore()
  const rig = pipelineRig({ records })
  const first = arrivalOf()
  rig.pipeline.take(first)
  asked[0]?.fail(new Error('database is locked'))
  await settle()
  expect(first.endings).toEqual([failed('store')])
  expect(rig.out).toEqual([])
  expect(rig.counters.get('fault')).toBe(1)
  rig.pipeline.take(arrivalOf())
  expect(asked).toHaveLength(2)
})

test('what was bounced while the store was asked does not leave afterwards', async () => {
  const { asked, records } = slowStore()
  const rig = pipelineRig({ records })
  const arrival = arrivalOf()
  rig.pipeline.take(arrival)
  const draining = rig.pipeline.drain(100)
  rig.time.pass(100)
  expect(await draining).toBe(false)
  expect(arrival.endings).toEqual([failed('shutdown')])
  asked[0]?.answer(NOBODY)
  await settle()
  expect(rig.out).toEqual([])
  expect(arrival.endings).toHaveLength(1)
})

test('who learns from a delivery hears of that alone, and cannot disturb it', () => {
  const heard: string[] = []
  const rig = pipelineRig({
    delivered: ({ from }) => {
      heard.push(from.user)
      throw new Error('the learner is broken')
    },
  })
  const [good, bad] = [arrivalOf({ body: 'good' }), arrivalOf({ body: 'bad', from: 'nurse@xmpp.example' })]
  rig.pipeline.take(good)
  rig.pipeline.take(bad)
  expect(() => rig.out[0]?.end({ kind: 'delivered' })).not.toThrow()
  rig.out[1]?.end(failed('timeout'))
  expect(heard).toEqual(['juliet'])
  expect(good.endings).toEqual([{ kind: 'delivered' }])
  expect(bad.endings).toEqual([failed('timeout')])
  expect(rig.counters.get('fault')).toBe(1)
})

const PRESSURE = { high: 4, low: 2, rest: 1000 }

test('pressure: reading stops at the high mark and goes on at the low one', () => {
  const rig = pipelineRig({ pressure: PRESSURE })
  for (let i = 0; i < 3; i++) rig.pipeline.take(arrivalOf({ body: `${i}` }))
  const timers = rig.time.timers.size
  expect(rig.pressed).toEqual([])
  rig.pipeline.take(arrivalOf({ body: 'fourth' }))
  expect(rig.pressed).toEqual([true])
  rig.out[0]?.end({ kind: 'delivered' })
  expect(rig.pressed).toEqual([true])
  rig.out[1]?.end({ kind: 'delivered' })
  expect(rig.pressed).toEqual([true, false])
  expect(rig.time.timers.size).toBe(timers)
})

test('pressure: requests from the SIP side do not count, since what ends them comes over the link', () => {
  const rig = pipelineRig({ pressure: PRESSURE })
  for (let i = 0; i < 20; i++)
    rig.pipeline.take(arrivalOf({ from: ROMEO, to: JULIET, body: `${i}`, evidence: FROM_HOME }))
  expect(rig.pipeline.open).toBe(20)
  expect(rig.pressed).toEqual([])
})

test('pressure: reading rests a second at most; then what comes is refused until enough has ended', () => {
  const rig = pipelineRig({ pressure: PRESSURE })
  const take = (body: string) => {
    const arrival = arrivalOf({ body })
    rig.pipeline.take(arrival)
    return arrival
  }
  for (let i = 0; i < 4; i++) take(`${i}`)
  // What has been read already is still taken.
  expect(take('in the buffer').endings).toEqual([])
  rig.time.pass(1000)
  expect(rig.pressed).toEqual([true, false])
  expect(take('too much').endings).toEqual([failed('busy')])
  expect(rig.out).toHaveLength(5)
  for (const arrival of rig.out.splice(0)) arrival.end({ kind: 'delivered' })
  expect(take('again').endings).toEqual([])
  expect(rig.pressed).toEqual([true, false])
  for (let i = 0; i < 3; i++) take(`more ${i}`)
  expect(rig.pressed).toEqual([true, false, true])
})
