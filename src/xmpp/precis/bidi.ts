/**
 * The Bidi Rule, RFC 5893 §2, for strings of the IdentifierClass. Within that class the bidirectional classes that
 * matter can be written down briefly: R and AL are what the right-to-left blocks hold apart from marks and digits, NSM
 * are the marks, and the neutral ones are known by name.
 */
const BLOCKS = String.raw`\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\u{10800}-\u{10fff}\u{1e800}-\u{1efff}`
const NSM = String.raw`\p{Mn}\p{Me}`
const EN = String.raw`0-9\u06f0-\u06f9`
const AN = String.raw`\u0660-\u0669\u{10d30}-\u{10d39}`
const RTL = `(?![${NSM}${EN}${AN}])[${BLOCKS}]`
/** ES, CS, ET, ON and BN. */
const NEUTRAL = String.raw`!-\/:-@\[-\x60{-~\u00b7\u02b9\u02ba\u02c6-\u02cf\u02ec\u0374\u0375\u200c\u200d\u2e2f\u30fb\ua67f\ua717-\ua71f\ua788`

const HAS_RTL = new RegExp(`${RTL}|[${AN}]`, 'u')
/** Conditions 1 and 2. A string that begins with a letter of class L cannot hold R, AL or AN (5). */
const RTL_LABEL = new RegExp(`^(?=${RTL})(?:${RTL}|[${NSM}${EN}${AN}${NEUTRAL}])*$`, 'u')
/** Condition 3. */
const RTL_END = new RegExp(`(?:${RTL}|[${EN}${AN}])[${NSM}]*$`, 'u')
/** Condition 4. */
const HAS_EN = new RegExp(`[${EN}]`, 'u')
const HAS_AN = new RegExp(`[${AN}]`, 'u')

/** True where `text` has nothing that runs right to left, or obeys all six conditions. */
export const isWellDirected = (text: string): boolean =>
  !HAS_RTL.test(text) ||
  (RTL_LABEL.test(text) && RTL_END.test(text) && !(HAS_EN.test(text) && HAS_AN.test(text)))
