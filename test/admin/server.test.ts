import { once } from 'node:events'
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connectAdmin } from '../../src/admin/client.ts'
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts'
import { tempDir } from '../support/temp.ts'
import { type AdminBed, adminBed, must, PARTNER } from './bed.ts'

const log = { error: (): void => {} }

async function serve(
  bed: AdminBed,
  socket: string,
  more: Partial<Parameters<typeof startAdminServer>[0]> = {},
): Promise<AdminServer> {
  return must(await startAdminServer({ service: bed.admin, socket, log, ...more }))
}

/** What comes back for bytes that are sent as they are. */
async function raw(socket: string, text: string): Promise<string> {
  const peer = connect(socket)
  await once(peer, 'connect')
  let answer = ''
  peer.setEncoding('utf8').on('data', (part: string) => {
    answer += part
  })
  peer.write(text)
  await once(peer, 'close')
  return answer
}

const post = (path: string, body: string, type = 'application/json'): string =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

test('the API behind the socket answers as the one in the process', async () => {
  await using directory = await tempDir('socket')
  await using bed = await adminBed()
  const socket = join(directory.path, 'run/admin.sock')
  await using _server = await serve(bed, socket)
  expect(statSync(socket).mode & 0o777).toBe(0o660)
  const admin = must(await connectAdmin(socket))
  if (admin === undefined) throw new Error('nobody listens')
  expect(must(await admin.change({ as: 'alice', change: PARTNER })).changes).toMatchObject([
    { name: 'Partner' },
  ])
  expect(must(await admin.show({ object: 'provider', name: 'Partner' }))).toEqual(
    JSON.parse(JSON.stringify(must(await bed.admin.show({ object: 'provider', name: 'Partner' })))),
  )
  expect(await admin.change({ as: 'alice', change: PARTNER })).toMatchObject({
    error: { code: 'nothing-to-do' },
  })
  expect(must(await admin.audit({})).rows[0]?.actor).toEqual({ name: 'alice', claimed: true })
})

test('nobody listening is no failure; a socket that is left over is taken, and removed at the end', async () => {
  await using directory = await tempDir('socket')
  await using bed = await adminBed()
  const socket = join(directory.path, 'admin.sock')
  expect(must(await connectAdmin(socket))).toBeUndefined()
  // A process that is killed leaves its socket behind.
  const left = createServer().listen(socket)
  await once(left, 'listening')
  await new Promise((resolve) => process.nextTick(resolve))
  const stale = join(directory.path, 'stale.sock')
  await import('node:fs').then(({ linkSync }) => linkSync(socket, stale))
  left.close()
  await once(left, 'close')
  expect(must(await connectAdmin(stale))).toBeUndefined()
  const server = await serve(bed, stale)
  expect(must(await connectAdmin(stale))).toBeDefined()
  await server.close()
  expect(existsSync(stale)).toBe(false)
})

test('a place that cannot be used is told with what to do, and left as it is', async () => {
  await using directory = await tempDir('socket')
  await using bed = await adminBed()
  const file = join(directory.path, 'file')
  writeFileSync(file, 'precious')
  const socket = join(directory.path, 'admin.sock')
  await using _server = await serve(bed, socket)
  for (const [path, message] of [
    [file, 'is no socket'],
    [socket, 'another process listens'],
    [join(directory.path, 'x'.repeat(120)), 'longer than 107 bytes'],
    [join(file, 'admin.sock'), 'cannot be made'],
  ] as const) {
    expect(await startAdminServer({ service: bed.admin, socket: path, log })).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining(message), cure: expect.stringMatching(/./) },
    })
  }
  expect(must(await connectAdmin(socket))).toBeDefined()
  expect(statSync(file).size).toBe(8)
})

test('a socket that this user may not use is a failure, not an absence', async () => {
  await using directory = await tempDir('socket')
  await using bed = await adminBed()
  const socket = join(directory.path, 'admin.sock')
  await using _server = await serve(bed, socket)
  if (process.getuid?.() === 0) return
  chmodSync(socket, 0)
  expect(await connectAdmin(socket)).toMatchObject({
    ok: false,
    error: { code: 'unreachable', cure: expect.stringContaining('group') },
  })
})

test.for([
  ['no JSON', post('/v1/list', '{"object":'), 400],
  ['another type', post('/v1/list', 'object=provider', 'application/x-www-form-urlencoded'), 415],
  ['too much', post('/v1/apply', JSON.stringify({ as: 'a', section: { x: 'y'.repeat(5000) } })), 413],
  ['an unknown operation', post('/v1/drop', '{}'), 404],
  ['another method', 'GET /v1/list HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 404],
  ['an unknown key', post('/v1/list', '{"object":"provider","x":1}'), 400],
  ['what is not there', post('/v1/show', '{"object":"provider","name":"no"}'), 404],
  ['no HTTP', 'hello\r\n\r\n', 400],
  ['a prototype', post('/v1/list', '{"object":"provider","__proto__":{"x":1}}'), 400],
] as const)('bad input has its answer: %s', async ([, bytes, status]) => {
  await using directory = await tempDir('socket')
  await using bed = await adminBed()
  const socket = join(directory.path, 'admin.sock')
  await using _server = await serve(bed, socket, { bodyLimit: 4096 })
  expect(await raw(socket, bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  expect(must(await connectAdmin(socket))).toBeDefined()
})

test('a fault is logged, and told without its text', async () => {
  await using directory = await tempDir('socket')
  await using bed = await adminBed()
  const socket = join(directory.path, 'admin.sock')
  const lines: string[] = []
  const service = { ...bed.admin, list: () => Promise.reject(new Error('private detail')) }
  await using _server = await serve(bed, socket, {
    service,
    log: { error: (_, message) => lines.push(message) },
  })
  const admin = must(await connectAdmin(socket))
  const answer = await admin?.list({ object: 'provider' })
  expect(answer).toMatchObject({ ok: false, error: { code: 'internal' } })
  expect(JSON.stringify(answer)).not.toContain('private')
  expect(lines).toEqual(['fault while a command was carried out'])
})
