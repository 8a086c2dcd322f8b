import { request as httpRequest } from 'node:http'
import { err, ok, type Result } from '../kernel/result.ts'
import type { Admin, Answers } from './admin.ts'
import { type AdminProblem, type Answer, problem } from './problem.ts'
import { type Operation, REQUESTS, type RequestOf } from './requests.ts'

export interface ClientOptions {
  /** Milliseconds of silence after which an answer is given up (60 s). */
  readonly within?: number
  /** Bytes of one answer (512 MiB). */
  readonly largest?: number
}

const WITHIN = 60_000
const LARGEST = 512 * 1024 * 1024

/** Nobody listens there: the daemon is down, or there is no such socket. */
const DOWN = new Set(['ENOENT', 'ECONNREFUSED'])

/**
 * Administration behind the socket of a running gateway.
 * @returns undefined where none runs
 */
export async function connectAdmin(
  socket: string,
  options: ClientOptions = {},
): Promise<Result<Admin | undefined, AdminProblem>> {
  const operations = Object.keys(REQUESTS) as readonly Operation[]
  const admin = Object.fromEntries(
    operations.map((operation) => [operation, (body: object) => ask(socket, operation, body, options)]),
  ) as unknown as Admin
  const status = await ask(socket, 'status', {}, options)
  // Whatever else it answers, it is there.
  if (status.ok || status.error.code !== 'unreachable') return ok(admin)
  return DOWN.has(status.error.cause ?? '') ? ok(undefined) : err(status.error)
}

type Refused = AdminProblem & { readonly cause?: string }

function ask<O extends Operation>(
  socket: string,
  operation: O,
  body: RequestOf<O> | object,
  { within = WITHIN, largest = LARGEST }: ClientOptions,
): Promise<Result<Answers[O], Refused>> {
  const text = JSON.stringify(body)
  return new Promise((resolve) => {
    const fail = (reason: string, cause?: string): void =>
      resolve(
        err({
          ...problem('unreachable', `the gateway at ${socket} ${reason}`, cureOf(operation, cause)),
          ...(cause !== undefined && { cause }),
        }),
      )
    const sent = httpRequest(
      {
        socketPath: socket,
        path: `/v1/${operation}`,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
        agent: false,
        timeout: within,
      },
      (response) => {
        const parts: Buffer[] = []
        let size = 0
        response.on('data', (part: Buffer) => {
          size += part.length
          if (size > largest) response.destroy(new Error('the answer is too long'))
          else parts.push(part)
        })
        response.on('error', (error) => fail(`broke off: ${error.message}`))
        response.on('end', () => {
          const answer = answerOf(Buffer.concat(parts).toString('utf8'))
          if (answer === undefined) fail('answers in words we do not know')
          else resolve(answer as Answer<Answers[O]>)
        })
      },
    )
    sent.on('timeout', () => sent.destroy(Object.assign(new Error('silence'), { code: 'ETIMEDOUT' })))
    sent.on('error', (error) => {
      const code = 'code' in error ? String(error.code) : error.message
      fail(`does not answer (${code})`, code)
    })
    sent.end(text)
  })
}

const CURES: Readonly<Record<string, string>> = {
  EACCES: 'run the command as a user of the socket’s group, or with sudo',
  ETIMEDOUT: 'the gateway is busy or stopped; look at its log',
}

/** Of these nobody knows whether they were done before the connection went. */
const CHANGING: ReadonlySet<Operation> = new Set(['change', 'apply'])
const BEFORE_SENDING = new Set(['EACCES', 'ENOENT', 'ECONNREFUSED', 'EAGAIN'])

const cureOf = (operation: Operation, cause: string | undefined): string =>
  CHANGING.has(operation) && !BEFORE_SENDING.has(cause ?? '')
    ? 'whether all of it was done or nothing, tells: dragoman audit'
    : usualCureOf(cause)

const usualCureOf = (cause: string | undefined): string =>
  CURES[cause ?? ''] ?? 'see that the gateway runs, and that command and gateway have the same version'

function answerOf(text: string): Answer<unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'ok' in value
      ? (value as Answer<unknown>)
      : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
