import type { Random } from '../../kernel/random.ts'
import type { Endpoint } from '../../sip/endpoint/endpoint.ts'
import type { AnswersOptions } from './answers.ts'
import type { AskingOptions } from './asking.ts'
import type { AttemptsOptions } from './attempts.ts'
import type { Keeping } from './keeping.ts'
import type { PendingOptions } from './pending.ts'

export interface WatchingOptions extends AnswersOptions, AskingOptions, AttemptsOptions, PendingOptions {
  readonly endpoint: () => Endpoint
  readonly keeping: Keeping
  readonly random: Random
}
