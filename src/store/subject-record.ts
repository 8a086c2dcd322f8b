import type { SubjectRecord } from '../edge/subjects.ts'

export const NO_RECORD: SubjectRecord = Object.freeze({ user: undefined, contacts: undefined })

/**
 * Whether a text from the wire can be in the store at all: a database writes half a surrogate pair as U+FFFD, so that two
 * users would be one, and PostgreSQL has no NUL.
 */
export const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0')
