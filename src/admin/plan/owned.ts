import { NOUN } from '../../federation/conflicts.ts'
import { objectOf } from '../objects.ts'
import { type Answer, refuse } from '../problem.ts'
import { type Found, isSuspendable, type View } from '../view.ts'
import { quoted } from './find.ts'

/** A row of the file is changed in the file; for emergencies there is the suspension. */
export function fileOwned(view: View, { list, name }: Found): Answer<never> {
  const stop = isSuspendable(list)
    ? `, or stop it at once with: dragoman ${objectOf(list)} suspend ${quoted(name)}`
    : ''
  return refuse(
    'file-owned',
    `${NOUN[list]} "${name}" belongs to ${view.fileName}`,
    `change it there and reload the gateway (SIGHUP)${stop}`,
  )
}
