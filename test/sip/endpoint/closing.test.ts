import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { pause, requestText, until } from './bed.ts'
import { timed } from './invite-bed.ts'

test('at the end, a TCP peer that is still sending is not reset: it would lose the answers it was just sent', async () => {
  const { endpoint, tcp } = await timed()
  const peer = connect({ port: tcp, host: '127.0.0.1', allowHalfOpen: true })
  const errors: Error[] = []
  let text = ''
  peer.on('error', (error) => errors.push(error))
  peer.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  await once(peer, 'connect')
  const ended = once(peer, 'end')
  peer.write(requestText(5060))
  await once(peer, 'data')
  const closed = endpoint.close()
  await ended
  for (let i = 0; i < 3; i++) {
    peer.write(requestText(5060))
    await pause(20)
  }
  peer.end()
  await closed
  expect(errors).toEqual([])
  expect(text).toMatch(/^SIP\/2\.0 200 /)
})

test('a peer that does not close its side is cut off after a second', async () => {
  const { endpoint, tcp, pass } = await timed()
  const peer = connect({ port: tcp, host: '127.0.0.1', allowHalfOpen: true })
  peer.on('error', () => peer.destroy())
  await once(peer, 'connect')
  await until(() => endpoint.stats().connections === 1)
  let closed = false
  const closing = endpoint.close().then(() => {
    closed = true
  })
  pass(999)
  await pause(20)
  expect(closed).toBe(false)
  pass(1)
  await closing
  peer.destroy()
})
