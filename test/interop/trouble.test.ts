import { createSocket } from 'node:dgram'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { JULIET, onBed, ROMEO, SECRET } from '../support/bed.ts'
import { dragoman, gatewayConfig, startDragoman } from '../support/dragoman.ts'
import { freePort } from '../support/ports.ts'
import { startProsody } from '../support/prosody.ts'
import { startSipUserAgent } from '../support/sip-user-agent.ts'
import { tempDir } from '../support/temp.ts'

const env = { DRAGOMAN_PROSODY_SECRET: SECRET }
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('an unreachable XMPP server: the gateway is ready all the same and answers 480', async () => {
  await using romeo = await startSipUserAgent({ uri: `sip:${ROMEO}` })
  const { config, sipPort } = await gatewayConfig({ componentPort: await freePort(), homePort: romeo.port })
  await using gateway = await startDragoman({ config, env })
  const nextHop = { host: '127.0.0.1', port: sipPort, transport: 'udp' } as const
  expect((await romeo.message({ to: `sip:${JULIET}`, body: 'anyone?', nextHop })).status).toBe(480)
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
})

test('a wrong secret: back-off, not a storm, and the log names the link', async () => {
  await using prosody = await startProsody({
    host: 'xmpp.example',
    components: [{ domain: 'sip.example', secret: 'another' }],
  })
  const { config } = await gatewayConfig({ componentPort: prosody.componentPort, homePort: await freePort() })
  await using gateway = await startDragoman({ config, env })
  await pause(3000)
  const attempts = prosody
    .log()
    .match(/component connection|Disconnecting component|authentication attempt failed/gi)
  expect(attempts?.length ?? 0).toBeGreaterThan(0)
  expect(attempts?.length ?? 0).toBeLessThan(30)
  expect(gateway.output()).toMatch(/"link":"prosody"/)
  expect(gateway.output()).not.toContain(SECRET)
})

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
