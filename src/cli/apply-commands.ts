import type { Command } from 'commander'
import { stringify } from 'yaml'
import type { Form } from '../admin/forms.ts'
import { problem } from '../admin/problem.ts'
import { readSection } from '../config/section.ts'
import {
  actorOf,
  asking,
  type Changing,
  type Cli,
  type Common,
  changing,
  example,
  fail,
  printJson,
  showOutcome,
  withAdmin,
} from './cli.ts'

/** `dragoman apply FILE` and `dragoman export`. */
export function applyCommands(cli: Cli, parent: Command): void {
  changing(
    example(
      parent
        .command('apply')
        .argument('<file>', 'a section federation: as in the configuration; - reads it from standard input')
        .description('make the store hold what a file says, all of it or nothing; prints the difference')
        .option('--prune', 'take away what the lists in the file do not name, and settings it does not set'),
      'dragoman apply federation.yaml --dry-run',
      'dragoman export > federation.yaml; dragoman apply federation.yaml --prune',
    ),
  ).action(async (file: string, options: Changing & { prune?: boolean }) => {
    const section = readSection(file)
    if (!section.ok) {
      const [first, ...more] = section.error
      const wrong = problem('bad-request', first ?? 'the file cannot be read', more.join('\n  '))
      return fail(cli, options, wrong)
    }
    await withAdmin(
      cli,
      options,
      (admin) =>
        admin.apply({
          as: actorOf(cli, options),
          section: section.value as Form,
          prune: options.prune === true,
          dryRun: options.dryRun === true,
        }),
      (outcome, session) => showOutcome(cli, options, outcome, session),
    )
  })
  asking(
    example(
      parent
        .command('export')
        .description(
          'what the store holds, as YAML that apply takes back; without suspensions and what was learned',
        ),
      'dragoman export > federation.yaml',
    ),
  ).action((options: Common) =>
    withAdmin(
      cli,
      options,
      (admin) => admin.export({}),
      ({ section }) => {
        if (options.json === true) printJson(cli, { federation: section })
        else cli.out(stringify({ federation: section }, { lineWidth: 0 }))
      },
    ),
  )
}
