import type { Status } from '../admin/admin.ts'
import type { Session } from './session.ts'
import { plain } from './table.ts'

export function textOfStatus(status: Status, { where, socket }: Pick<Session, 'where' | 'socket'>): string {
  const { version, file, store, revision, suspended, broken = [] } = status
  const lines = [
    where === 'gateway'
      ? `the gateway runs, version ${version}`
      : socket === undefined
        ? 'whether a gateway runs is not known: the configuration names no socket'
        : `no gateway answers at ${socket}`,
    `configuration  ${file}`,
    `store          ${store === undefined ? 'none: commands only read' : `${store}, revision ${revision}`}`,
  ]
  if (suspended !== undefined) {
    const { by, since, reason } = suspended
    const why = reason === '' ? '' : `: ${reason}`
    lines.push(`suspended      all of it, by ${by}, ${new Date(since).toISOString()}${why}`)
  }
  if (broken.length > 0) {
    lines.push(
      where === 'gateway'
        ? 'file and store do not agree; what was in force before stays so:'
        : 'file and store do not agree; no gateway starts so, and one that runs keeps what was in force:',
      ...broken.map((each) => `  ${each}`),
    )
  }
  return `${lines.map(plain).join('\n')}\n`
}
