import { once } from 'node:events'
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import { ok, type Result } from '../kernel/result.ts'
import type { Admin } from './admin.ts'
import { type AdminProblem, type Answer, HTTP_STATUS, problem, refuse } from './problem.ts'
import { type Operation, REQUESTS } from './requests.ts'
import { CURE, codeOf, openToGroup, prepareSocket } from './socket-place.ts'

/** What the server needs of a log; pino's fits. */
export interface AdminLog {
  error(fields: object, message: string): void
}

export interface AdminServerOptions {
  readonly service: Admin
  /** Path of the Unix socket. */
  readonly socket: string
  readonly log: AdminLog
  /** Bytes of one request (32 MiB: a large `apply`). */
  readonly bodyLimit?: number
  /** Connections at once (64). */
  readonly connections?: number
}

export interface AdminServer extends AsyncDisposable {
  readonly socket: string
  /** Takes no more, finishes what is under way, and removes the socket. */
  close(): Promise<void>
}

const BODY = 32 * 1024 * 1024
const CONNECTIONS = 64
/** Milliseconds for a request to arrive, and for a connection between two. */
const REQUEST = 30_000
const IDLE = 5000

/** Where operations are found: `POST /v1/list`. */
export const PREFIX = '/v1/'

/** Serves the API at a Unix socket, whose permissions say who may. A place that cannot be used is a problem to tell. */
export async function startAdminServer(
  options: AdminServerOptions,
): Promise<Result<AdminServer, AdminProblem>> {
  const { socket, connections = CONNECTIONS } = options
  const prepared = await prepareSocket(socket)
  if (!prepared.ok) return prepared
  const app = routes(options)
  await app.ready()
  app.server.maxConnections = connections
  try {
    const listening = once(app.server, 'listening')
    // Bound within this call, so that the socket is never open to others, not for a moment.
    const before = process.umask(0o177)
    try {
      app.server.listen(socket)
    } finally {
      process.umask(before)
    }
    await listening
    openToGroup(socket)
  } catch (error) {
    await app.close()
    return refuse('internal', `the socket ${socket} cannot be made: ${codeOf(error)}`, CURE)
  }
  const close = (): Promise<void> => closeOnce(app)
  return ok({ socket, close, [Symbol.asyncDispose]: close })
}

const closing = new WeakMap<FastifyInstance, Promise<void>>()

function closeOnce(app: FastifyInstance): Promise<void> {
  const known = closing.get(app) ?? Promise.resolve(app.close()).then(() => undefined)
  closing.set(app, known)
  return known
}

function routes({ service, log, bodyLimit = BODY }: AdminServerOptions): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit,
    requestTimeout: REQUEST,
    keepAliveTimeout: IDLE,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
  })
  for (const operation of Object.keys(REQUESTS) as readonly Operation[]) {
    app.post(`${PREFIX}${operation}`, async (request, reply) => {
      const answer = await (service[operation] as (body: unknown) => Promise<Answer<unknown>>)(request.body)
      reply.code(answer.ok ? 200 : HTTP_STATUS[answer.error.code])
      return answer
    })
  }
  app.setNotFoundHandler((request, reply) => {
    reply.code(404)
    return failure(
      'bad-request',
      `there is no ${request.method} ${request.url}`,
      'see docs/cli.md, or upgrade both sides',
    )
  })
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500
    reply.code(status)
    if (status < 500) return failure('bad-request', error.message, 'send one JSON object of bounded size')
    log.error({ err: error }, 'fault while a command was carried out')
    return failure('internal', 'a fault of the gateway: see its log', 'report it, with the lines of the log')
  })
  return app
}

const failure = (...parts: Parameters<typeof problem>): Answer<never> => ({
  ok: false,
  error: problem(...parts),
})
