import { Argument, type Command } from 'commander'
import type { Contacts } from '../admin/admin.ts'
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
import { table } from './table.ts'

type Side = 'allow' | 'block'

const side = (): Argument => new Argument('<list>', 'which list').choices(['allow', 'block'])
const WHO = 'address, @domain, provider:NAME or everyone'

/** `dragoman contact list|add|remove|clear`. */
export function contactCommand(cli: Cli, parent: Command): void {
  const group = parent
    .command('contact')
    .description('whom a user hears where only contacts may, and whom never')
  const show = (verb: 'list' | 'show', hidden: boolean): void => {
    asking(
      example(
        group
          .command(verb, { hidden })
          .argument('<address>', 'the user')
          .description('the contact list of a user; block wins over allow'),
        `dragoman contact ${verb} romeo@sip.example`,
      ),
    ).action((user: string, options: Common) =>
      withAdmin(
        cli,
        options,
        (admin) => admin.contacts({ user }),
        (contacts) => (options.json === true ? printJson(cli, contacts) : cli.out(textOfContacts(contacts))),
      ),
    )
  }
  show('list', false)
  show('show', true)
  const entries = (verb: 'add' | 'remove', help: string, what: string): void => {
    changing(
      example(
        group
          .command(verb)
          .argument('<address>', 'the user')
          .addArgument(side())
          .argument('<who...>', WHO)
          .description(help),
        `dragoman contact ${verb} romeo@sip.example ${what}`,
      ),
    ).action((user: string, list: Side, who: string[], options: Changing) =>
      change(cli, options, {
        do: verb === 'add' ? 'add-contacts' : 'remove-contacts',
        user,
        side: list,
        who,
      }),
    )
  }
  entries('add', 'put somebody on a list', 'allow juliet@xmpp.example @friends.example')
  entries('remove', 'take somebody off a list', 'block provider:"Example XMPP"')
  changing(
    example(
      group
        .command('clear')
        .argument('<address>', 'the user')
        .description('empty both lists of a user')
        .option('--learned', 'only what came of itself'),
      'dragoman contact clear romeo@sip.example --learned',
    ),
  ).action((user: string, options: Changing & { learned?: boolean }) =>
    change(cli, options, { do: 'clear-contacts', user, learned: options.learned === true }),
  )
}

export function textOfContacts({ user, lines }: Contacts): string {
  if (lines.length === 0) return `the contact list of ${user} is empty\n`
  return table(
    ['LIST', 'WHO', 'BY', 'OWNER', 'EXPIRES'],
    lines.map(({ side: list, who, by, owner, expires }) => [
      list,
      who,
      by,
      owner,
      expires === undefined ? '' : new Date(expires).toISOString().slice(0, 16),
    ]),
  )
}
