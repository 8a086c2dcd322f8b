import type { Dialog } from '../dialog.ts'
import type { SipRequest } from '../message.ts'

/**
 * CSeq numbers that outlive the process without a write for each: a record of the dialog names the highest number that
 * may have been used, and whoever goes on from it begins behind that. A gap is no error (RFC 3261 §12.2.2).
 */
export interface Numbered {
  dialog: Dialog
  /** The highest number that is reserved. */
  reserved: number
}

/** Numbers in a reservation. */
export const BLOCK = 256

/**
 * Takes the next number; true where a new block was reserved and must be recorded. That is done while half of the last
 * one is left, so that the record need not be waited for.
 */
export function takeNumber(item: Numbered): boolean {
  const { dialog } = item
  const localCSeq = dialog.localCSeq + 1
  item.dialog = { ...dialog, localCSeq }
  if (localCSeq <= item.reserved - BLOCK / 2) return false
  item.reserved = localCSeq + BLOCK
  return true
}

/** The same request with the number that was taken last. */
export const numbered = ({ dialog }: Numbered, request: SipRequest): SipRequest => ({
  ...request,
  headers: request.headers.replacing('CSeq', `${dialog.localCSeq} ${request.method}`),
})

/** The dialog as it is recorded. */
export const recorded = ({ dialog, reserved }: Numbered): Dialog => ({ ...dialog, localCSeq: reserved })
