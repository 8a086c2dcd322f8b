import type { Status } from '../admin/admin.ts'
import type { Session } from './session.ts'
import { plain } from './table.ts'

export function textOfStatus(status: Status, where: Session['where']): string {
  const { version, file, store, revision, suspended, broken = [] } = status
  const lines = [
    where === 'gateway' ? `the gateway runs, version ${version}` : 'the gateway is not running',
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
      'file and store do not agree; what was in force before stays so:',
      ...broken.map((each) => `  ${each}`),
    )
  }
  return `${lines.map(plain).join('\n')}\n`
}
