import { err, ok, type Result } from '../../kernel/result.ts'
import { isToken, isTokenCode, skipQuoted, skipSpace, unquote } from '../scan.ts'
import { headerValue } from '../serialize.ts'

/** A digest challenge (RFC 7616 §3.3). Texts are what their quoted strings stand for. */
export interface DigestChallenge {
  readonly scheme: 'digest'
  readonly realm: string
  readonly nonce: string
  readonly opaque: string | undefined
  /** As it was written, to be repeated. */
  readonly algorithm: string | undefined
  readonly stale: boolean
  /** In lower case; undefined where there is none (RFC 2069). */
  readonly qop: readonly string[] | undefined
  readonly utf8: boolean
  readonly userhash: boolean
}

/** Another scheme: nothing of it is read. */
export interface OtherChallenge {
  readonly scheme: 'other'
}

export type Challenge = DigestChallenge | OtherChallenge

/** Parameters of one challenge, and challenges of one line, that are read. */
const MOST_PARAMS = 30
const MOST_CHALLENGES = 10

type AuthParams = Map<string, string>

/** All challenges of one header field line, in their order. One that is malformed makes the line so. */
export function parseChallenges(line: string): Result<readonly Challenge[], 'bad-challenge'> {
  if (!headerValue(line).ok) return err('bad-challenge')
  const challenges: Challenge[] = []
  let at = skipSpace(line, 0)
  while (at < line.length) {
    const read = readChallenge(line, at)
    if (read === undefined || challenges.length === MOST_CHALLENGES) return err('bad-challenge')
    challenges.push(read.challenge)
    at = read.end
  }
  return challenges.length === 0 ? err('bad-challenge') : ok(challenges)
}

/** A scheme and its parameters, up to the next scheme; and where that begins. */
function readChallenge(line: string, start: number): { challenge: Challenge; end: number } | undefined {
  let at = tokenEnd(line, start)
  const scheme = line.slice(start, at).toLowerCase()
  if (scheme === '') return undefined
  const params: AuthParams = new Map()
  const behind = skipSpace(line, at)
  // RFC 7235 §2.1: other schemes may have a bare text in place of parameters.
  if (scheme !== 'digest' && behind > at) {
    const bare = /[A-Za-z0-9\-._~+/]+=*[ \t]*(?=,|$)/y
    bare.lastIndex = behind
    if (bare.test(line)) return { challenge: { scheme: 'other' }, end: afterComma(line, bare.lastIndex) }
  }
  at = behind
  for (;;) {
    const nameEnd = tokenEnd(line, at)
    const equals = skipSpace(line, nameEnd)
    // No parameter: the scheme of the next challenge, or the end.
    if (nameEnd === at || line.charCodeAt(equals) !== 0x3d) break
    const name = line.slice(at, nameEnd).toLowerCase()
    const from = skipSpace(line, equals + 1)
    const quoted = line.charCodeAt(from) === 0x22
    const to = quoted ? skipQuoted(line, from) : tokenEnd(line, from)
    if (to <= from || params.has(name) || params.size === MOST_PARAMS) return undefined
    params.set(name, line.slice(from, to))
    const next = skipSpace(line, to)
    if (next < line.length && line.charCodeAt(next) !== 0x2c) return undefined
    at = afterComma(line, next)
  }
  if (params.size === 0) at = afterComma(line, at)
  const challenge = scheme === 'digest' ? digestChallenge(params) : ({ scheme: 'other' } as const)
  // A scheme alone must be followed by space, a comma, or the end: `Digest"x"` is none.
  if (challenge === undefined || (at < line.length && !isTokenCode(line.charCodeAt(at)))) return undefined
  return { challenge, end: at }
}

const tokenEnd = (line: string, start: number): number => {
  let at = start
  while (isTokenCode(line.charCodeAt(at))) at++
  return at
}

/** Behind a comma and the space around it. */
function afterComma(line: string, at: number): number {
  const comma = skipSpace(line, at)
  return line.charCodeAt(comma) === 0x2c ? skipSpace(line, comma + 1) : comma
}

/**
 * Realm, nonce and opaque must be quoted strings, since they are hashed and repeated as such. Of the others, which
 * RFC 7616 §3.3 wants in one form only, both forms are read: servers mix them.
 */
function digestChallenge(params: AuthParams): DigestChallenge | undefined {
  for (const name of ['realm', 'nonce', 'opaque'])
    if (params.get(name)?.startsWith('"') === false) return undefined
  const text = (name: string): string | undefined => {
    const value = params.get(name)
    return value === undefined ? undefined : unquote(value)
  }
  const [realm, nonce, algorithm] = [text('realm'), text('nonce'), text('algorithm')]
  if (realm === undefined || nonce === undefined) return undefined
  if (algorithm !== undefined && !isToken(algorithm)) return undefined
  return {
    scheme: 'digest',
    realm,
    nonce,
    opaque: text('opaque'),
    algorithm,
    stale: text('stale')?.toLowerCase() === 'true',
    qop: text('qop')
      ?.split(',')
      .map((option) => option.trim().toLowerCase()),
    utf8: text('charset')?.toLowerCase() === 'utf-8',
    userhash: text('userhash')?.toLowerCase() === 'true',
  }
}
