import type { Command } from 'commander'
import { parse } from 'yaml'
import type { SettingsList } from '../admin/admin.ts'
import type { Json } from '../admin/store.ts'
import {
  asking,
  type Changing,
  type Cli,
  type Common,
  change,
  changing,
  example,
  printJson,
  withAdmin,
} from './cli.ts'
import { plain, table } from './table.ts'
import { textOf } from './values.ts'

/** `dragoman setting list|set|unset`. */
export function settingCommand(cli: Cli, parent: Command): void {
  const group = parent
    .command('setting')
    .description('switches, discovery and learning: what holds for everybody')
  asking(
    example(
      group.command('list').description('every setting, its value, and who sets it'),
      'dragoman setting list',
    ),
  ).action((options: Common) => showSettings(cli, options))
  changing(
    example(
      group
        .command('set')
        .argument('<key>')
        .argument('<value>', 'true, false, a number, a word, a duration')
        .description('set one'),
      'dragoman setting set openDiscovery.enabled true',
      'dragoman setting set learning.lifetime 720h',
    ),
  ).action((key: string, value: string, options: Changing) =>
    change(cli, options, { do: 'set-setting', key, value: settingValue(value) }),
  )
  changing(
    example(
      group.command('unset').argument('<key>').description('back to the default'),
      'dragoman setting unset openDiscovery.enabled',
    ),
  ).action((key: string, options: Changing) => change(cli, options, { do: 'unset-setting', key }))
}

/** `dragoman federation show|enable|disable|suspend|resume`: everything at once. */
export function federationCommand(cli: Cli, parent: Command): void {
  const group = parent.command('federation').description('everything at once')
  asking(
    example(
      group.command('show').description('the settings, and whether all is suspended'),
      'dragoman federation show',
    ),
  ).action((options: Common) => showSettings(cli, options))
  for (const [verb, value, help] of [
    ['enable', true, 'let everything cross that may'],
    ['disable', false, 'let nothing cross'],
  ] as const) {
    changing(example(group.command(verb).description(help), `dragoman federation ${verb}`)).action(
      (options: Changing) => change(cli, options, { do: 'set-setting', key: 'enabled', value }),
    )
  }
  changing(
    example(
      group
        .command('suspend')
        .description('the emergency stop, whatever file and store say')
        .option('--reason <text>', 'for the audit log, and whoever wonders', ''),
      'dragoman federation suspend --reason "flood from everywhere"',
    ),
  ).action((options: Changing & { reason: string }) =>
    change(cli, options, { do: 'suspend', object: 'federation', name: 'federation', reason: options.reason }),
  )
  changing(
    example(group.command('resume').description('end the emergency stop'), 'dragoman federation resume'),
  ).action((options: Changing) =>
    change(cli, options, { do: 'resume', object: 'federation', name: 'federation' }),
  )
}

const showSettings = (cli: Cli, options: Common): Promise<void> =>
  withAdmin(
    cli,
    options,
    (admin) => admin.settings({}),
    (settings) => (options.json === true ? printJson(cli, settings) : cli.out(textOfSettings(settings))),
  )

export function textOfSettings({ settings, suspended }: SettingsList): string {
  const rows = settings.map(({ key, value, owner }) => [
    key,
    owner,
    // As `set` takes it back.
    typeof value === 'boolean' ? String(value) : textOf(value),
  ])
  const mark =
    suspended === undefined
      ? ''
      : `the federation is suspended by ${suspended.by} since ${new Date(suspended.since).toISOString()}${suspended.reason === '' ? '' : `: ${suspended.reason}`}\n\n`
  return plain(mark.trimEnd()) + (mark === '' ? '' : '\n\n') + table(['SETTING', 'SET BY', 'VALUE'], rows)
}

/** A value as it would be read from the file; what YAML cannot read is text. */
function settingValue(text: string): Json {
  const value: unknown = /^[\w.:+-]+$/.test(text) ? parse(text, { schema: 'core' }) : text
  return typeof value === 'boolean' || typeof value === 'number' ? value : text
}
