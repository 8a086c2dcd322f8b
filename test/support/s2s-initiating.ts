import type { Host, Initiating, KeyQuestion, Outcome, Verdict, Way } from './s2s-roles.ts'
import { type S2sStream, UnexpectedOnStream } from './s2s-stream.ts'
import { conditionOf, dialbackKey, dialbackText, type Features, featuresIn, NS } from './s2s-words.ts'

interface Opened {
  /** Of the other side's header. */
  readonly id: string
  readonly version: boolean
  readonly dialback: boolean
  /** None where the other side has no version. */
  readonly features: Features
}

/** Opens a stream to a domain in a manner, up to the proof or the refusal. */
export async function initiate(
  stream: S2sStream,
  host: Host,
  to: string,
  manner: Initiating = {},
): Promise<Outcome> {
  const refused = (by: 'us' | 'them', condition: string): Outcome => ({
    kind: 'refused',
    by,
    condition,
    stream,
  })
  const from = manner.from ?? host.domain
  try {
    let opened = await open(stream, from, to, manner)
    if (wantsTls(stream, host, manner, opened.features)) {
      const condition = await starttls(stream, host, to, manner)
      if (condition !== undefined) return refused('them', condition)
      opened = await open(stream, from, to, manner)
    }
    const secure = stream.tls !== undefined
    if (manner.requiresTls && !secure) return refused('us', 'no-tls')
    const certificate = stream.tls?.proves(to) ?? false
    if (manner.requiresCertificate && !certificate) return refused('us', 'certificate')
    const bidi = (manner.bidi ?? false) && (opened.features.bidi ?? false)
    if (bidi) await stream.write(`<bidi xmlns='${NS.bidi}'/>`)
    const established = (way: Way): Outcome => ({
      kind: 'established',
      way,
      peer: to,
      bidi,
      certificate,
      stream,
    })

    const { external = 'if-offered' } = manner
    let failure: string | undefined
    if (external === 'always' || (external === 'if-offered' && secure && opened.features.external)) {
      failure = await authenticate(stream, from, manner)
      if (failure === undefined) {
        await open(stream, from, to, manner)
        return established('sasl-tls')
      }
    }
    const does = (manner.dialback ?? ['tls', 'clear']).includes(secure ? 'tls' : 'clear')
    if (!does) return failure === undefined ? refused('us', 'no-way') : refused('them', failure)
    if (!opened.dialback) return refused('us', 'no-dialback')
    const verdict = await dialback(stream, host, to, manner, opened.id)
    if (verdict === 'valid') return established(secure ? 'tls-dialback' : 'tcp-dialback')
    return refused('them', typeof verdict === 'string' ? `dialback-${verdict}` : verdict.error)
  } catch (error) {
    if (error instanceof UnexpectedOnStream) return refused('them', error.condition ?? 'closed')
    stream.transcript.push(`· ${(error as Error).message}`)
    return refused('them', 'broken')
  }
}

/** Asks the authoritative server for a key, over a stream for nothing else. */
export async function askForKey(
  stream: S2sStream,
  host: Host,
  { receiving, originating, id, key }: KeyQuestion,
): Promise<Verdict> {
  const { features } = await open(stream, receiving, originating, {})
  if (wantsTls(stream, host, {}, features)) {
    if ((await starttls(stream, host, originating, {})) !== undefined)
      return { error: 'remote-server-timeout' }
    await open(stream, receiving, originating, {})
  }
  await stream.write(dialbackText('verify', { from: receiving, to: originating, id, key }))
  return verdictOf(await stream.expect('verify', { xmlns: NS.dialback }))
}

async function open(
  stream: S2sStream,
  from: string,
  to: string,
  { version = true, dialback }: Initiating,
): Promise<Opened> {
  await stream.open({ from, to, ...(!version && { version: null }), dialback: dialback?.length !== 0 })
  const header = await stream.header()
  const modern = version && header.version !== undefined
  const features = modern ? featuresIn(await stream.expect('features', { xmlns: NS.streams })) : {}
  return {
    id: header.id ?? '',
    version: modern,
    dialback: header.dialback || features.dialback !== undefined,
    features,
  }
}

function wantsTls(stream: S2sStream, host: Host, manner: Initiating, features: Features): boolean {
  const { starttls = 'if-offered' } = manner
  if (stream.tls !== undefined || starttls === 'never') return false
  return starttls === 'always' || (host.identity !== undefined && features.starttls !== undefined)
}

/** Undefined when there is TLS. */
async function starttls(
  stream: S2sStream,
  { identity }: Host,
  servername: string,
  { showsCertificate = true }: Initiating,
): Promise<string | undefined> {
  await stream.write(`<starttls xmlns='${NS.tls}'/>`)
  const answer = await stream.element()
  if (!answer.is('proceed', NS.tls)) return answer.is('failure', NS.tls) ? 'tls-failure' : conditionOf(answer)
  await stream.tlsAsClient({ servername, ...(identity && { identity, showsCertificate }) })
  return undefined
}

/** Undefined when it succeeded; else the condition of the failure. */
async function authenticate(
  stream: S2sStream,
  from: string,
  manner: Initiating,
): Promise<string | undefined> {
  const authzid = manner.authzid ?? from
  const text = authzid === '' ? '=' : Buffer.from(authzid).toString('base64')
  await stream.write(`<auth xmlns='${NS.sasl}' mechanism='EXTERNAL'>${text}</auth>`)
  const answer = await stream.element()
  if (!answer.is('success', NS.sasl)) return conditionOf(answer) ?? 'failure'
  stream.restart()
  return undefined
}

async function dialback(
  stream: S2sStream,
  host: Host,
  to: string,
  manner: Initiating,
  id: string,
): Promise<Verdict> {
  const from = manner.keyFrom ?? manner.from ?? host.domain
  const key = manner.key ?? dialbackKey(host.secret, to, from, id)
  await stream.write(dialbackText('result', { from, to, key }))
  return verdictOf(await stream.expect('result', { xmlns: NS.dialback }))
}

function verdictOf(element: Parameters<typeof conditionOf>[0]): Verdict {
  const { type } = element.attrs as { type?: string }
  if (type === 'valid' || type === 'invalid') return type
  return { error: conditionOf(element) ?? 'undefined-condition' }
}
