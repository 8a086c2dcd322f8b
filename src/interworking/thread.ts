/** RFC 3261 §25.1: `callid = word ["@" word]`. */
const CALL_ID = /^[\w.!%*+`'~()<>:\\"/[\]?{}-]+(?:@[\w.!%*+`'~()<>:\\"/[\]?{}-]+)?$/
const MAX_CALL_ID = 255

/** The thread itself, where it may stand as a Call-ID (RFC 7572 table 1); else the caller needs a table of its own. */
export const callIdOfThread = (thread: string): string | undefined =>
  thread.length <= MAX_CALL_ID && CALL_ID.test(thread) ? thread : undefined

/** The thread for a Call-ID (RFC 7572 table 2); undefined where it is no proper one. */
export const threadOfCallId = (callId: string): string | undefined => callIdOfThread(callId)
