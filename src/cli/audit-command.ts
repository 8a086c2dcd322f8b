import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Admin, AuditPage } from '../admin/admin.ts'
import type { Answer } from '../admin/problem.ts'
import type { RequestOf } from '../admin/requests.ts'
import type { AuditEntry } from '../admin/store.ts'
import { err, ok } from '../kernel/result.ts'
import { KIND_TEXT, summaryOf, textOfChange } from './changes.ts'
import { asking, type Cli, type Common, count, example, printJson, withAdmin } from './cli.ts'
import { plain, table } from './table.ts'

const KINDS = Object.keys(KIND_TEXT) as readonly (keyof typeof KIND_TEXT)[]

interface AuditOptions extends Common {
  readonly kind?: keyof typeof KIND_TEXT
  readonly name?: string
  readonly by?: string
  readonly since?: number
  readonly until?: number
  readonly limit: number
  readonly before?: number
  readonly full?: boolean
}

/** `dragoman audit`: who changed what, and when; the newest first. */
export function auditCommand(cli: Cli, parent: Command): void {
  const when = (text: string): number => instant(text, cli.now())
  asking(
    example(
      parent
        .command('audit')
        .description('who changed what, and when; the newest first')
        .addOption(new Option('--kind <list>', 'only of this kind').choices(KINDS))
        .option('--name <name>', 'only of this row or setting')
        .option('--by <name>', 'only what this person has done')
        .addOption(new Option('--since <time>', '2h, 7d, 2026-11-01, 2026-11-01T12:00Z').argParser(when))
        .addOption(new Option('--until <time>', 'up to, without').argParser(when))
        .addOption(new Option('--limit <number>', 'at most so many').argParser(count).default(100))
        .addOption(new Option('--before <id>', 'only older than this entry: the next page').argParser(count))
        .option('--full', 'every field that changed, on lines of its own'),
      'dragoman audit --since 24h',
      'dragoman audit --kind providers --name "Example XMPP" --full',
    ),
  ).action((options: AuditOptions) =>
    withAdmin(
      cli,
      options,
      (admin) => entries(admin, options),
      (page) => {
        if (options.json === true) printJson(cli, page)
        else cli.out(options.full === true ? textOfEntries(page) : textOfAudit(page))
      },
    ),
  )
}

const PAGE = 1000

async function entries(admin: Admin, options: AuditOptions): Promise<Answer<AuditPage>> {
  const { kind, name, by: actor, since, until, limit } = options
  const rows: AuditEntry[] = []
  let { before } = options
  for (;;) {
    const size = Math.max(1, Math.min(PAGE, limit - rows.length))
    const request: RequestOf<'audit'> = { kind, name, actor, since, until, before, limit: size }
    const page = await admin.audit(request)
    if (!page.ok) return err(page.error)
    rows.push(...page.value.rows)
    before = page.value.next
    if (before === undefined || rows.length >= limit) return ok({ rows, next: before })
  }
}

const time = (at: number): string => new Date(at).toISOString().replace('T', ' ').slice(0, 19)

/** A name that nothing but its own word proves is in quotes. */
const whoOf = ({ actor }: AuditEntry): string => (actor.claimed ? `"${actor.name}"` : actor.name)

const more = ({ next }: AuditPage): string =>
  next === undefined ? '' : `there are more: dragoman audit --before ${next}\n`

const LONGEST = 100

export function textOfAudit(page: AuditPage): string {
  if (page.rows.length === 0) return 'nothing was changed\n'
  const rows = page.rows.map((entry) => {
    const summary = summaryOf(entry)
    return [
      String(entry.id),
      time(entry.at),
      whoOf(entry),
      entry.action,
      KIND_TEXT[entry.kind],
      entry.name,
      summary.length > LONGEST ? `${summary.slice(0, LONGEST - 1)}…` : summary,
    ]
  })
  return table(['ID', 'TIME (UTC)', 'WHO', 'DID', 'WHAT', 'NAME', 'CHANGE'], rows) + more(page)
}

const textOfEntries = (page: AuditPage): string =>
  page.rows
    .map((entry) => `${plain(`${entry.id}  ${time(entry.at)} UTC  ${whoOf(entry)}`)}\n${textOfChange(entry)}`)
    .join('\n') + more(page)

const AGO = /^(\d{1,6})(m|h|d)$/
const MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `2h` ago, or a date of ISO 8601; without a time zone it is UTC. */
export function instant(text: string, now: number): number {
  const ago = AGO.exec(text)
  if (ago !== null) return now - Number(ago[1]) * MS[ago[2] as keyof typeof MS]
  const zoned = /T.*(?:Z|[+-]\d\d:?\d\d)$/.test(text) || !text.includes('T') ? text : `${text}Z`
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(zoned) : Number.NaN
  if (Number.isNaN(at) || at < 0) {
    throw new InvalidArgumentError('Write 30m, 2h, 7d, 2026-11-01 or 2026-11-01T12:00Z.')
  }
  return at
}
