import { connect } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { messageTemplate } from '../../bench/load/message-template.ts'
import { edgeOf, PROVIDER_DOMAIN } from '../../bench/load/run.ts'
import { okTo, type SipPeer } from '../../bench/load/sip-peer.ts'
import { sequenceIn } from '../../bench/load/template.ts'
import { tlsPeer } from '../../bench/load/tls-peer.ts'
import { writeProviderFiles } from '../../bench/provider-files.ts'
import { tempDir } from '../support/temp.ts'

const parts = {
  transport: 'tls',
  port: 5061,
  sender: 'romeo@sip.example',
  recipient: 'paris@provider.example',
}

test('a request has the length asked for, and says its number in branch and body', () => {
  const template = messageTemplate({ ...parts, bytes: 600 })
  const text = template.stamp(4_294_967_301).toString()
  expect(text).toHaveLength(600)
  const body = text.indexOf('\r\n\r\n') + 4
  expect(Number(/Content-Length: (\d+)/.exec(text)?.[1])).toBe(600 - body)
  expect(sequenceIn(text, 0, body)).toBe(4_294_967_301)
  expect(sequenceIn(text, body)).toBe(4_294_967_301)
})

test('the number is not taken from the message after', () => {
  const unmarked = messageTemplate({ ...parts, bytes: 600, mark: '--' })
    .stamp(1)
    .toString()
  const marked = messageTemplate({ ...parts, bytes: 600 })
    .stamp(2)
    .toString()
  expect(sequenceIn(unmarked + marked, 0, unmarked.length)).toBe(-1)
  expect(sequenceIn(unmarked + marked, 0)).toBe(2)
})

async function pair(
  connections: number,
): Promise<{ client: SipPeer; port: number; answers: () => Promise<number[]> }> {
  const directory = await tempDir('bench')
  onTestFinished(() => directory[Symbol.asyncDispose]())
  const { provider, gateway } = writeProviderFiles(directory.path)
  const sources = new Set<unknown>()
  const server = await tlsPeer(
    { files: provider, remotePort: 9, servername: '', connections: 0 },
    (text, from, body, _to, reply) => {
      sources.add(reply)
      reply(Buffer.from(okTo(text, from, body)))
      setImmediate(() => server.flush())
    },
  )
  const numbers: number[] = []
  let done = (): void => {}
  const all = new Promise<void>((resolve) => {
    done = resolve
  })
  const client = await tlsPeer(
    { files: gateway, remotePort: server.port, servername: edgeOf(PROVIDER_DOMAIN), connections },
    (text, from, _body, to) => {
      numbers.push(sequenceIn(text, from, to))
      if (numbers.length === 10) done()
    },
  )
  onTestFinished(() => {
    client.close()
    server.close()
  })
  return {
    client,
    port: server.port,
    async answers() {
      await all
      expect(sources.size).toBe(connections)
      return numbers
    },
  }
}

test('requests go over all connections in turn, and answers come back over the same', async () => {
  const { client, answers } = await pair(3)
  await client.open?.()
  const template = messageTemplate({ ...parts, bytes: 600 })
  for (let sequence = 0; sequence < 10; sequence++) client.send(template.stamp(sequence))
  client.flush()
  expect((await answers()).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('who shows no certificate is not served', async () => {
  const { port } = await pair(0)
  const alert = await new Promise<string>((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
    socket.once('error', ({ message }) => resolve(message))
    socket.once('close', () => resolve('closed'))
  })
  expect(alert).toMatch(/certificate required/)
})
