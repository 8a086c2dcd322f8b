import { type Command, Option } from 'commander'
import type { Admin, Entry, Listing, Shown } from '../admin/admin.ts'
import type { PeerCounts } from '../admin/explain.ts'
import type { StreamsFigures } from '../admin/link-figures.ts'
import type { DomainKind } from '../admin/objects.ts'
import type { Answer } from '../admin/problem.ts'
import type { RequestOf } from '../admin/requests.ts'
import type { PeerLimits } from '../federation/model.ts'
import { err, ok } from '../kernel/result.ts'
import {
  asking,
  type Changing,
  type Cli,
  type Common,
  change,
  changing,
  count,
  example,
  onOff,
  printJson,
  withAdmin,
} from './cli.ts'
import { linesOfCounts } from './counts.ts'
import { addFields, changesOf, formOf, type Options, unsetOption } from './fields.ts'
import { isOfStreams, linesOfComponent, linesOfStreams, tablesOfStreams } from './link-figures.ts'
import { KINDS, type ObjectSpec } from './objects.ts'
import { plain, table } from './table.ts'
import { fieldsOf } from './values.ts'

const OWNERS = ['file', 'store', 'shipped']

/** `dragoman provider list|show|add|set|enable|disable|suspend|resume|remove`, and the same for every other object. */
export function objectCommand(cli: Cli, parent: Command, spec: ObjectSpec): Command {
  const { object, summary, examples } = spec
  const group = parent.command(object).description(summary)
  const argument = `<${spec.name}>`
  const kind = (command: Command, help: string): Command =>
    object === 'domain' ? command.addOption(new Option('--kind <kind>', help).choices(KINDS)) : command
  const named = (verb: string, help: string, hidden = false): Command =>
    example(
      group.command(verb, { hidden }).argument(argument).description(help),
      `dragoman ${object} ${verb} ${examples.name}`,
    )

  listCommand(cli, group, spec)

  const show = kind(named('show', `all of one ${object}, whose it is, and what was counted`), 'which list')
  if (object === 'link')
    show.option('--peer <domain>', 'of a link from server to server: only streams with this domain')
  asking(show).action((name: string, options: Common & { kind?: DomainKind; peer?: string }) =>
    withAdmin(
      cli,
      options,
      (admin) => admin.show({ object, name, kind: options.kind, peer: options.peer }),
      (shown, { where }) =>
        options.json === true ? printJson(cli, shown) : cli.out(textOfShown(shown, where === 'gateway')),
    ),
  )

  const add = group.command('add').argument(argument).description(`add a ${object}`)
  if (object === 'domain') {
    add.addOption(new Option('--kind <kind>', 'what it is to be').choices(KINDS).makeOptionMandatory())
  }
  addFields(add, spec.fields, false)
  const lines = [examples.add].flat().map((line) => `dragoman ${object} add ${line}`)
  changing(example(add, ...lines)).action((name: string, options: Changing & Options) =>
    change(cli, options, {
      do: 'add',
      object,
      name,
      kind: object === 'domain' ? (options.kind as DomainKind) : undefined,
      fields:
        object === 'link'
          ? { kind: 'component', ...formOf(spec.fields, options) }
          : formOf(spec.fields, options),
    }),
  )

  const set = kind(
    group.command('set').argument(argument).description(`change keys of a ${object}`),
    'which list',
  )
  addFields(set, spec.fields, true)
  set.addOption(unsetOption(spec.fields))
  changing(example(set, `dragoman ${object} set ${examples.set}`)).action(
    (name: string, options: Changing & Options) =>
      change(cli, options, {
        do: 'set',
        object,
        name,
        kind: options.kind as DomainKind | undefined,
        ...changesOf(spec.fields, options),
      }),
  )

  const simple = (verb: 'enable' | 'disable' | 'remove' | 'resume', help: string, hidden = false): void => {
    const command = named(verb, help, hidden)
    changing(kind(command, 'which list')).action((name: string, options: Changing & { kind?: DomainKind }) =>
      change(cli, options, { do: verb, object, name, kind: options.kind }),
    )
  }
  simple('enable', `let it cross again`, !spec.switched)
  simple('disable', 'keep the row, and let nothing cross', !spec.switched)
  changing(
    kind(
      example(
        group
          .command('suspend')
          .argument(argument)
          .description('the emergency stop, also of what the file or the shipped rows own'),
        `dragoman ${object} suspend ${examples.name} --reason "under attack"`,
      ),
      'which list',
    ).option('--reason <text>', 'for the audit log, and whoever wonders', ''),
  ).action((name: string, options: Changing & { kind?: DomainKind; reason: string }) =>
    change(cli, options, { do: 'suspend', object, name, kind: options.kind, reason: options.reason }),
  )
  simple('resume', 'end a suspension')
  simple('remove', `take the ${object} away`)
  return group
}

interface ListOptions extends Common {
  readonly kind?: DomainKind
  readonly owner?: Entry['owner']
  readonly search?: string
  readonly enabled?: boolean
  readonly suspended?: boolean
  readonly domain?: string
  readonly home?: string
  readonly site?: string
  readonly policy?: string
  readonly limit?: number
}

function listCommand(cli: Cli, group: Command, spec: ObjectSpec): void {
  const { object } = spec
  const command = group.command('list').description(`every ${object}, with its owner: file, store or shipped`)
  if (object === 'domain') command.addOption(new Option('--kind <kind>', 'only of this kind').choices(KINDS))
  command
    .addOption(new Option('--owner <owner>', 'only rows of this owner').choices(OWNERS))
    .option('--search <text>', 'only names with this in them')
    .addOption(new Option('--suspended <on|off>', 'only what is suspended, or is not').argParser(onOff))
  if (spec.switched) {
    command.addOption(new Option('--enabled <on|off>', 'only what is enabled, or is not').argParser(onOff))
  }
  if (object === 'user') {
    command
      .option('--domain <domain>', 'only of this domain')
      .option('--home <name>', 'only with this home of their own')
      .option('--site <name>', 'only of this site')
      .option('--policy <name>', 'only with this policy granted')
  }
  command.addOption(new Option('--limit <number>', 'at most so many').argParser(count))
  asking(example(command, `dragoman ${object} list`, `dragoman ${object} list --owner store --json`)).action(
    (options: ListOptions) => {
      const { kind, owner, search: containing, enabled, suspended, domain, home, site, policy } = options
      const request = { object, kind, owner, containing, enabled, suspended, domain, home, site, policy }
      return withAdmin(
        cli,
        options,
        (admin) => allRows(admin, request, options.limit),
        (listing) =>
          options.json === true ? printJson(cli, listing) : cli.out(textOfListing(spec, listing)),
      )
    },
  )
}

const PAGE = 1000

/** Page after page, until there is no more or it is enough. */
async function allRows(
  admin: Admin,
  request: RequestOf<'list'>,
  most = Number.POSITIVE_INFINITY,
): Promise<Answer<Listing>> {
  const rows: Entry[] = []
  let after: string | undefined
  for (;;) {
    const page = await admin.list({
      ...request,
      limit: Math.max(1, Math.min(PAGE, most - rows.length)),
      after,
    })
    if (!page.ok) return err(page.error)
    rows.push(...page.value.rows)
    after = page.value.next
    if (after === undefined || rows.length >= most) return ok({ rows, next: after })
  }
}

export function textOfListing(spec: ObjectSpec, { rows, next }: Listing): string {
  if (rows.length === 0) return `no ${spec.object}\n`
  const heading = [spec.name.toUpperCase(), 'OWNER', ...spec.columns.map((each) => each.heading)]
  const lines = rows.map((entry) => [
    entry.suspended === undefined ? entry.name : `${entry.name} (suspended)`,
    entry.owner,
    ...spec.columns.map((each) => each.of(entry)),
  ])
  return table(heading, lines) + (next === undefined ? '' : 'there are more: raise --limit\n')
}

const OWNER = {
  file: 'the configuration file (change it there)',
  store: 'the store',
  shipped: 'shipped (a change makes it the store’s)',
} as const satisfies Record<Entry['owner'], string>

/** @param live asked of a running gateway, which counts */
export function textOfShown(shown: Shown, live: boolean): string {
  const { object, kind, name, owner, suspended, row } = shown
  const lines: (readonly [string, string])[] = [
    ['owner', OWNER[owner]],
    ...fieldsOf(row).filter(([key]) => key !== 'name' && key !== 'user'),
  ]
  if (suspended !== undefined) {
    const { by, since, reason } = suspended
    const why = reason === '' ? '' : `: ${reason}`
    lines.unshift(['suspended', `by ${by}, ${new Date(since).toISOString()}${why}`])
  }
  lines.push(...figuresOf(shown, live))
  const width = Math.max(...lines.map(([key]) => key.length))
  const title = `${kind === undefined ? '' : `${kind} `}${object} ${name}`
  const text = [title, ...lines.map(([key, value]) => `  ${key.padEnd(width)}  ${value}`)]
    .map(plain)
    .join('\n')
  const figures = shown.figures
  return `${text}\n${isOfStreams(figures) ? tablesOfStreams(figures as unknown as StreamsFigures) : ''}`
}

function figuresOf({ object, row, figures }: Shown, live: boolean): readonly (readonly [string, string])[] {
  if (object === 'provider' && !live) return [['counted', 'nothing: no gateway was asked']]
  if (object === 'provider' && figures === undefined)
    return [['counted', 'nothing since the gateway started']]
  if (figures === undefined) return []
  if (isOfStreams(figures)) return linesOfStreams(figures as unknown as StreamsFigures)
  if (object === 'link') return linesOfComponent(figures)
  return linesOfCounts(figures as unknown as PeerCounts, (row.limits ?? {}) as Partial<PeerLimits>).map(
    ([key, text]) => [`counted: ${key}`, text],
  )
}
