import type { RequestKind } from '../federation/request.ts'

/**
 * The methods that cross, and what the rules take them for. REGISTER is not among them: a stranger must not place itself
 * in a home server's registrar.
 */
const KINDS: ReadonlyMap<string, RequestKind> = new Map([
  ['MESSAGE', 'message'],
  ['SUBSCRIBE', 'presence'],
  ['NOTIFY', 'presence'],
  ['PUBLISH', 'presence'],
  ['INVITE', 'session'],
  ['ACK', 'session'],
  ['BYE', 'session'],
  ['PRACK', 'session'],
  ['UPDATE', 'session'],
  ['INFO', 'session'],
  ['REFER', 'session'],
  ['OPTIONS', 'query'],
])

export const kindOf = (method: string): RequestKind | undefined => KINDS.get(method)

/** Those that begin a dialog, so that we want to stay on its way (RFC 3261 §16.6 (4), RFC 3515). */
const DIALOGS: ReadonlySet<string> = new Set(['INVITE', 'SUBSCRIBE', 'REFER'])

/**
 * Whether to stay on the way of what follows. A subscriber takes its route from the NOTIFY that comes first, so every one
 * of them is recorded too (RFC 6665 §4.3).
 * @param inDialog To has a tag already
 */
export const isRecorded = (method: string, inDialog: boolean): boolean =>
  method === 'NOTIFY' || (DIALOGS.has(method) && !inDialog)
