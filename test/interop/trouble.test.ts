import { createSocket } from 'node:dgram'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import { JULIET, onBed, ROMEO, SECRET } from '../support/bed.ts'
import { type Dragoman, dragoman, gatewayConfig, type LogLine, startDragoman } from '../support/dragoman.ts'
import { freePort } from '../support/ports.ts'
import { startProsody } from '../support/prosody.ts'
import { startSipUserAgent } from '../support/sip-user-agent.ts'
import { tempDir } from '../support/temp.ts'
import { messageText } from '../support/topology.ts'
import { stanzaError } from '../support/xmpp-client.ts'

const env = { DRAGOMAN_PROSODY_SECRET: SECRET }

const atDefaultLevel = (config: object): object => ({ ...config, log: { format: 'json' } })

/** The lines of the log that are warnings or worse. */
const warnings = (gateway: Dragoman): readonly LogLine[] =>
  gateway.log.all.filter(({ level }) => level !== undefined && level >= 40)

/** Passes connections on to a port of 127.0.0.1, and counts them. */
async function countedRelay(target: number): Promise<{ readonly port: number; count(): number }> {
  let count = 0
  const relay = createServer((socket) => {
    count++
    const onward = connect(target, '127.0.0.1')
    socket.on('error', () => onward.destroy()).pipe(onward)
    onward.on('error', () => socket.destroy()).pipe(socket)
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    relay.close()
  })
  return { port: (relay.address() as AddressInfo).port, count: () => count }
}

test('an unreachable XMPP server: the gateway is ready all the same and answers 480', async () => {
  await using romeo = await startSipUserAgent({ uri: `sip:${ROMEO}` })
  const { config, sipPort } = await gatewayConfig({ componentPort: await freePort(), homePort: romeo.port })
  await using gateway = await startDragoman({ config, env })
  const nextHop = { host: '127.0.0.1', port: sipPort, transport: 'udp' } as const
  expect((await romeo.message({ to: `sip:${JULIET}`, body: 'anyone?', nextHop })).status).toBe(480)
  const line = { msg: 'no link', link: 'prosody', reason: expect.stringMatching(/\S/) }
  await expect.poll(() => warnings(gateway)[0]).toMatchObject(line)
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
})

test('a wrong secret: the tries grow rarer, and the log says why and what to do', async () => {
  await using prosody = await startProsody({
    host: 'xmpp.example',
    components: [{ domain: 'sip.example', secret: 'another' }],
  })
  const counted = await countedRelay(prosody.componentPort)
  const { config } = await gatewayConfig({ componentPort: counted.port, homePort: await freePort() })
  const times = { first: 100, ceiling: 800 }
  const reconnect = { first: `${times.first}ms`, ceiling: `${times.ceiling}ms` }
  await using gateway = await startDragoman({
    config: { ...atDefaultLevel(config), xmpp: { reconnect } },
    env,
  })
  await expect.poll(() => warnings(gateway).length, { timeout: 30_000 }).toBeGreaterThanOrEqual(7)

  const lines = warnings(gateway)
  expect(lines.length).toBeLessThanOrEqual(counted.count())
  // Doubling, half of it jitter; a timer may be a few milliseconds early. The gateway's own times: ours of seeing it may differ
  // by more.
  const gaps = lines.slice(1).map(({ time }, index) => Number(time) - Number(lines[index]?.time))
  for (const [index, gap] of gaps.entries())
    expect(gap).toBeGreaterThanOrEqual(Math.min(times.ceiling, times.first * 2 ** index) / 2 - 10)

  for (const line of lines)
    expect(line).toMatchObject({
      msg: 'the XMPP server refuses the link',
      link: 'prosody',
      domain: 'sip.example',
      condition: 'not-authorized',
      cure: expect.stringMatching(/secret/),
    })
  expect(gateway.output()).not.toContain(SECRET)
})

test('bad input: a line of the log at its default level, the right answer, and the gateway goes on', () =>
  onBed({}, async ({ gateway, juliet, romeo, sipPort, enabled, send }) => {
    await gateway.reload(atDefaultLevel(enabled))
    const nextHop = { host: '127.0.0.1', port: sipPort, transport: 'udp' } as const
    const quiet = warnings(gateway).length

    const text = messageText(`sip:${JULIET}`, []).replace('CSeq: 1 MESSAGE', 'CSeq: one MESSAGE')
    await romeo.raw(text, nextHop)
    expect((await romeo.frames.next(({ text }) => text.startsWith('SIP/2.0'))).text).toMatch(
      /^SIP\/2\.0 400 /,
    )
    await gateway.log.next(({ msg, level }) => msg === 'a SIP message cannot be read' && level === 40)
    expect(warnings(gateway)).toHaveLength(quiet + 1)

    const nowhere = { to: 'sip:a@nowhere.example', body: 'hi', nextHop }
    expect((await romeo.message(nowhere)).status).toBe(404)
    const id = await juliet.message({ to: 'romeo@sip.example', body: 'x'.repeat(2000) })
    const bounce = await juliet.nextMessage(({ attrs }) => attrs.id === id)
    expect(stanzaError(bounce)?.condition).toBe('policy-violation')
    expect((await send('still here')).status).toBe(200)
    expect(gateway.output()).not.toContain('x'.repeat(100))
    expect(gateway.output()).not.toContain('still here')
  }))

test('a port in use: it ends with a sentence and a code', async () => {
  const { config, sipPort } = await gatewayConfig({
    componentPort: await freePort(),
    homePort: await freePort(),
  })
  const taken = createSocket('udp4')
  await new Promise<void>((resolve) => taken.bind(sipPort, '127.0.0.1', resolve))
  try {
    await expect(startDragoman({ config, env })).rejects.toThrow(new RegExp(`${sipPort}`))
  } finally {
    taken.close()
  }
})

test('SIGTERM ends it with code 0', () =>
  onBed({}, async ({ gateway, prosody }) => {
    expect(await gateway.stop()).toEqual({ code: 0, signal: null })
    await prosody.line(/component disconnected/i, { what: 'the stream was not closed' })
  }))

test('an invalid configuration is refused whole on SIGHUP, and the old one stays', () =>
  onBed({}, async ({ gateway, juliet, romeo, enabled }) => {
    const line = await gateway.reload({ ...enabled, nonsense: true })
    expect(JSON.stringify(line)).toContain('nonsense')
    await juliet.message({ to: ROMEO, body: 'still there?' })
    expect((await romeo.messages.next()).body).toBe('still there?')
  }))

test('check names what is wrong; explain gives the verdict', async () => {
  await using directory = await tempDir('cli')
  const file = join(directory.path, 'gateway.config.yaml')
  const settings = await gatewayConfig({ componentPort: 5347, homePort: 5070 })
  await writeFile(file, stringify(settings.config))
  expect((await dragoman(['check', '--config', file], { env })).code).toBe(0)
  const question = ['explain', '--config', file, '--from', JULIET, '--to', ROMEO, '--kind', 'message']
  const allowed = await dragoman(question, { env })
  await writeFile(file, stringify(settings.with({ providerEnabled: false })))
  const refused = await dragoman(question, { env })
  expect(refused.stdout).not.toBe(allowed.stdout)
  expect(refused.stdout).toMatch(/disabled/)

  await writeFile(file, stringify({ ...settings.config, nonsense: 1 }))
  const wrong = await dragoman(['check', '--config', file], { env })
  expect(wrong.code).not.toBe(0)
  expect(wrong.stdout + wrong.stderr).toContain('nonsense')
})
