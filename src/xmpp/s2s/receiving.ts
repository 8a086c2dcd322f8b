import { answerTo, type DialbackCondition, failed, type Verdict } from './dialback.ts'
import { type DomainPair, type PairKey, pairKey } from './domain-pair.ts'
import {
  type Claim,
  DEFAULT_RECEIVING,
  type ReceivingEffect,
  type ReceivingEvent,
  type ReceivingLimits,
  type ReceivingState,
  type ReceivingStep,
  type Standing,
  type StreamName,
  type Unreachable,
  type Verification,
} from './receiving-state.ts'

export interface ReceivingMachine {
  step(state: ReceivingState, event: ReceivingEvent, now: number): ReceivingStep
  /** When `alarm` is due; Infinity: never. */
  alarmAt(state: ReceivingState): number
}

const CONDITION_OF = {
  'not-found': 'remote-server-not-found',
  'no-connection': 'remote-connection-failed',
  lost: 'remote-server-timeout',
} as const satisfies Record<Unreachable, DialbackCondition>

const FRESH: Standing = { proved: new Set(), failures: 0, spent: false }
const VALID: Verdict = { type: 'valid' }

const pairOf = ({ request }: Pick<Claim, 'request'>): DomainPair => ({
  sender: request.from.domain,
  target: request.to.domain,
})

/** The receiving server (XEP-0220 §2.1.2, §2.2.1). */
export function receivingMachine(limits: ReceivingLimits = DEFAULT_RECEIVING): ReceivingMachine {
  return {
    step(state, event, now) {
      const turn = new Turn(state, limits)
      switch (event.kind) {
        case 'key':
          turn.key(event, now)
          break
        case 'sent':
          turn.sent(event)
          break
        case 'unreachable':
          turn.unreachable(event)
          break
        case 'answer':
          turn.answer(event)
          break
        case 'closed':
          turn.closed(event.stream)
          break
        case 'alarm':
          turn.alarm(now)
          break
        default:
          return event satisfies never
      }
      return turn.done()
    },
    alarmAt(state) {
      let first = Number.POSITIVE_INFINITY
      for (const { claim, waiting } of state.verifications.values()) {
        first = Math.min(first, claim.until)
        for (const { until } of waiting) first = Math.min(first, until)
      }
      return first
    },
  }
}

type Of<Kind extends ReceivingEvent['kind']> = ReceivingEvent & { readonly kind: Kind }

/**
 * One step: what it changes is copied first, what it asks for is collected. Most keys that mean ill change nothing, and there may be
 * thousands of streams.
 */
class Turn {
  readonly #before: ReceivingState
  readonly #limits: ReceivingLimits
  readonly #effects: ReceivingEffect[] = []
  #verificationsCopy: Map<PairKey, Verification> | undefined
  #streamsCopy: Map<StreamName, Standing> | undefined

  constructor(state: ReceivingState, limits: ReceivingLimits) {
    this.#before = state
    this.#limits = limits
  }

  done(): ReceivingStep {
    const changed = this.#verificationsCopy !== undefined || this.#streamsCopy !== undefined
    const next = { verifications: this.#verifications, streams: this.#streams }
    return [changed ? next : this.#before, this.#effects]
  }

  get #verifications(): ReadonlyMap<PairKey, Verification> {
    return this.#verificationsCopy ?? this.#before.verifications
  }

  get #streams(): ReadonlyMap<StreamName, Standing> {
    return this.#streamsCopy ?? this.#before.streams
  }

  key({ stream, streamId, request, policy }: Of<'key'>, now: number): void {
    const standing = this.#standing(stream)
    const claim: Claim = { stream, streamId, request, until: now + this.#limits.timeout }
    const name = pairKey(pairOf(claim))
    // Proved once is enough, and what is asked twice is answered once.
    if (standing.spent || claimedBy(stream, this.#verifications.get(name))) return
    if (standing.proved.has(name)) this.#send(claim, VALID)
    else if (policy.kind === 'refuse') this.#send(claim, failed(policy.condition))
    else if (!this.#hasRoom(stream, name, policy.kind === 'verify'))
      this.#send(claim, failed('resource-constraint'))
    else if (policy.kind === 'vouched') this.#prove(claim, 'certificate')
    else this.#claim(name, claim)
  }

  sent({ pair, id, via }: Of<'sent'>): void {
    const name = pairKey(pair)
    const known = this.#verifications.get(name)
    if (known === undefined || known.claim.streamId !== id || known.via !== undefined) return
    if (known.claim.stream === via) this.#end(name, known, failed(CONDITION_OF['no-connection']))
    else this.#set(name, { ...known, via })
  }

  unreachable({ pair, id, reason }: Of<'unreachable'>): void {
    const name = pairKey(pair)
    const known = this.#verifications.get(name)
    if (known?.claim.streamId === id) this.#end(name, known, failed(CONDITION_OF[reason]))
  }

  answer({ via, answer }: Of<'answer'>): void {
    const name = pairKey({ sender: answer.from.domain, target: answer.to.domain })
    const known = this.#verifications.get(name)
    if (known === undefined || known.via !== via || known.claim.streamId !== answer.id)
      this.#effects.push({ kind: 'unsolicited', via, answer })
    // Whatever is wrong over there: §2.5 wants this condition.
    else if (answer.verdict.type === 'error') this.#end(name, known, failed('remote-server-not-found'))
    else this.#end(name, known, answer.verdict)
  }

  closed(stream: StreamName): void {
    if (this.#streams.has(stream)) this.#ownStreams().delete(stream)
    this.#withdraw(stream)
    for (const name of [...this.#verifications.keys()]) {
      // Read anew: the end of one may be the end of a stream that has claims of others.
      const known = this.#verifications.get(name)
      if (known?.via === stream) this.#end(name, known, failed(CONDITION_OF.lost))
    }
  }

  alarm(now: number): void {
    const late = ({ until }: Claim): boolean => until <= now
    for (const [name, { waiting }] of [...this.#verifications]) {
      for (const claim of waiting.filter(late)) this.#fail(claim, failed(CONDITION_OF.lost))
      // A stream that was closed for it has withdrawn its other claims.
      const known = this.#verifications.get(name)
      if (known === undefined) continue
      const kept = { ...known, waiting: known.waiting.filter((claim) => !late(claim)) }
      if (late(known.claim)) this.#end(name, kept, failed(CONDITION_OF.lost))
      else if (kept.waiting.length < known.waiting.length) this.#set(name, kept)
    }
  }

  #hasRoom(stream: StreamName, name: PairKey, verified: boolean): boolean {
    let all = 0
    let own = 0
    for (const known of this.#verifications.values()) {
      all += 1 + known.waiting.length
      if (claimedBy(stream, known)) own++
    }
    const { pairs, underWay, verifications, waiting } = this.#limits
    if (this.#standing(stream).proved.size + own >= pairs) return false
    if (!verified) return true
    const before = this.#verifications.get(name)
    return own < underWay && all < verifications && (before?.waiting.length ?? -1) < waiting
  }

  #claim(name: PairKey, claim: Claim): void {
    const known = this.#verifications.get(name)
    if (known === undefined) this.#verify(name, claim, [])
    else this.#set(name, { ...known, waiting: [...known.waiting, claim] })
  }

  #verify(name: PairKey, claim: Claim, waiting: readonly Claim[]): void {
    const { stream, streamId, request } = claim
    const { from, to, key } = request
    this.#set(name, { claim, gone: false, waiting, via: undefined })
    this.#effects.push({
      kind: 'verify',
      pair: pairOf(claim),
      request: { element: 'verify', kind: 'request', from: to, to: from, id: streamId, key },
      except: stream,
    })
  }

  /** The verification of a pair is over; that of the next claim begins. */
  #end(name: PairKey, { claim, gone, waiting }: Verification, verdict: Verdict): void {
    const [next, ...others] = waiting
    this.#ownVerifications().delete(name)
    if (next !== undefined) this.#verify(name, next, others)
    if (gone) return
    if (verdict.type === 'valid') this.#prove(claim, 'dialback')
    else this.#fail(claim, verdict)
  }

  #prove(claim: Claim, by: 'certificate' | 'dialback'): void {
    const { stream } = claim
    const pair = pairOf(claim)
    const { proved } = this.#standing(stream)
    this.#stand(stream, { proved: new Set(proved).add(pairKey(pair)), failures: 0, spent: false })
    this.#effects.push({ kind: 'proved', stream, pair, by })
    this.#send(claim, VALID)
  }

  #fail(claim: Claim, verdict: Verdict): void {
    const { stream } = claim
    const standing = this.#standing(stream)
    if (standing.spent) return
    // A wrong key ends a stream that has nothing to lose; else it costs the pair alone (§2.2.1).
    const invalid = verdict.type === 'invalid' && standing.proved.size === 0
    this.#send(claim, verdict.type === 'invalid' && !invalid ? failed('forbidden') : verdict)
    const failures = standing.failures + 1
    const spent = invalid || failures >= this.#limits.failures
    this.#stand(stream, { ...standing, failures, spent })
    if (!spent) return
    this.#effects.push({ kind: 'close', stream, reason: invalid ? 'invalid' : 'failures' })
    this.#withdraw(stream)
  }

  /** The claims of a stream that is gone. */
  #withdraw(stream: StreamName): void {
    for (const [name, known] of [...this.#verifications]) {
      if (!claimedBy(stream, known)) continue
      const waiting = known.waiting.filter((claim) => claim.stream !== stream)
      this.#set(name, { ...known, gone: known.gone || known.claim.stream === stream, waiting })
    }
  }

  #send({ stream, request }: Claim, verdict: Verdict): void {
    this.#effects.push({ kind: 'send', stream, answer: answerTo(request, verdict) })
  }

  #standing(stream: StreamName): Standing {
    return this.#streams.get(stream) ?? FRESH
  }

  #set(name: PairKey, verification: Verification): void {
    this.#ownVerifications().set(name, verification)
  }

  #stand(stream: StreamName, standing: Standing): void {
    this.#ownStreams().set(stream, standing)
  }

  #ownVerifications(): Map<PairKey, Verification> {
    this.#verificationsCopy ??= new Map(this.#before.verifications)
    return this.#verificationsCopy
  }

  #ownStreams(): Map<StreamName, Standing> {
    this.#streamsCopy ??= new Map(this.#before.streams)
    return this.#streamsCopy
  }
}

/** Is a key of that stream among those of the pair? */
const claimedBy = (stream: StreamName, known: Verification | undefined): boolean =>
  known !== undefined &&
  ((!known.gone && known.claim.stream === stream) || known.waiting.some((claim) => claim.stream === stream))
