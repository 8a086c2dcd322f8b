import type { RefusalReason } from '../federation/refusals.ts'
import { canonicalName } from '../sip/header-names.ts'
import type { HeaderField } from '../sip/headers.ts'
import { quote } from '../sip/scan.ts'
import { safeText } from '../sip/serialize.ts'
import type { Ending } from './arrival.ts'

const HEADER = canonicalName('ms-diagnostics')

/** Numbers that administrators of Lync-like home servers know ([MS-OCER]), as near as they come. */
const ID = {
  'no-transit': 1005,
  'both-served': 1005,
  'federation-off': 1012,
  'sip-off': 1002,
  'public-im-off': 1001,
  'xmpp-off': 1002,
  'domain-blocked': 1002,
  'provider-disabled': 1002,
  suspended: 1012,
  'domain-unknown': 1005,
  'domain-not-proved': 1010,
  'wrong-link': 1010,
  'link-not-for-domain': 1010,
  'user-unknown': 1003,
  'user-disabled': 4141,
  'policy-denies': 1012,
  'contact-blocked': 2004,
  'too-many-messages': 1007,
  'too-many-contacts': 2007,
  'not-a-contact': 2004,
  'privacy-contacts-only': 2004,
} as const satisfies Record<RefusalReason, number>

/**
 * The whole reason of a refusal, for the inside alone: number, words, who says it, the step, the rule, and what finds the
 * line of the log. Strangers hear the generic reason.
 */
export const diagnosticsOf = (
  { reason, step, detail, id }: Extract<Ending, { kind: 'refused' }>,
  edge: string,
): HeaderField => [
  HEADER,
  `${ID[reason]};reason=${quote(safeText(detail))};source=${quote(edge)};step=${step};rule=${reason};ref=${quote(id)}`,
]
