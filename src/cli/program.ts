import { Command, CommanderError, Option } from 'commander'
import { problem } from '../admin/problem.ts'
import { loadConfig } from '../config/load.ts'
import { REQUEST_KINDS, type RequestKind } from '../federation/request.ts'
import { applyCommands } from './apply-commands.ts'
import { auditCommand } from './audit-command.ts'
import { jsonOfCheck, textOfCheck } from './check.ts'
import {
  asking,
  type Changing,
  type Cli,
  type Common,
  change,
  changing,
  configOption,
  example,
  FILE,
  fail,
  jsonOption,
  printJson,
  withAdmin,
} from './cli.ts'
import { completionCommand } from './completion.ts'
import { contactCommand } from './contact-commands.ts'
import { EXIT } from './exit.ts'
import { textOfExplanation } from './explain.ts'
import { objectCommand } from './object-commands.ts'
import { DOMAIN, HOME, LINK, POLICY, PROVIDER, USER } from './objects.ts'
import { federationCommand, settingCommand } from './setting-commands.ts'
import { textOfStatus } from './status.ts'

/**
 * The command `dragoman`: a tree that knows what it may be asked, and writes through `cli`.
 * @param usage told what is wrong with the command line
 */
export function buildProgram(cli: Cli, usage = cli.err): Command {
  const program = new Command('dragoman')
    .description('XMPP to SIP federation gateway under rules that an administrator understands')
    .version(cli.version)
    .configureOutput({ writeOut: cli.out, writeErr: usage })
    .showHelpAfterError('(--help lists what there is, with an example)')
    .exitOverride()
  runCommands(cli, program)
  statusCommand(cli, program)
  restore(cli, objectCommand(cli, program, PROVIDER))
  objectCommand(cli, program, DOMAIN)
  grants(cli, objectCommand(cli, program, POLICY))
  objectCommand(cli, program, USER)
  contactCommand(cli, program)
  objectCommand(cli, program, HOME)
  objectCommand(cli, program, LINK)
  settingCommand(cli, program)
  federationCommand(cli, program)
  applyCommands(cli, program)
  auditCommand(cli, program)
  completionCommand(cli, program)
  return program
}

/** Runs a command line; what is wrong in it ends with `EXIT.usage`. */
export async function runProgram(cli: Cli, args: readonly string[]): Promise<void> {
  const json = args.includes('--json')
  try {
    await buildProgram(cli, json ? () => undefined : cli.err).parseAsync([...args], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return cli.exit(EXIT.done)
    const message = error.message.replace(/^error: /, '')
    if (json) fail(cli, { json }, problem('bad-request', message, '--help lists what there is'))
    else cli.exit(EXIT.usage)
  }
}

function runCommands(cli: Cli, program: Command): void {
  example(
    program
      .command('run')
      .description(
        'run the gateway until SIGTERM; SIGHUP reads the configuration again, SIGUSR2 logs the counters',
      )
      .addOption(configOption()),
    `dragoman run --config /etc/dragoman/${FILE}`,
  ).action(async ({ config }: Common) => cli.exit(await cli.run(config)))

  example(
    program
      .command('check')
      .description('check a configuration without starting; exit code 1 if something is wrong')
      .addOption(configOption())
      .addOption(jsonOption()),
    `dragoman check --config /etc/dragoman/${FILE}`,
  ).action(({ config, json }: Common) => {
    const checked = loadConfig(config, cli.env)
    if (json === true) printJson(cli, jsonOfCheck(config, checked))
    else cli.out(textOfCheck(config, checked))
    cli.exit(checked.ok ? EXIT.done : EXIT.failed)
  })

  example(
    asking(
      program
        .command('explain')
        .description(
          'tell whether a request would cross, and why; exit code 0 if it would, 3 if it is refused',
        )
        .requiredOption('--from <address>', 'the sender: user@domain or sip:user@domain')
        .requiredOption('--to <address>', 'the recipient')
        .addOption(new Option('--kind <kind>', 'kind of request').choices(REQUEST_KINDS).default('message')),
    ),
    'dragoman explain --from juliet@xmpp.example --to sip:romeo@sip.example --kind message',
  ).action((options: Common & { from: string; to: string; kind: RequestKind }) =>
    withAdmin(
      cli,
      options,
      (admin) => admin.explain({ from: options.from, to: options.to, kind: options.kind }),
      (explained) => {
        if (options.json === true) printJson(cli, explained)
        else cli.out(textOfExplanation(explained))
        cli.exit(explained.verdict.outcome === 'deliver' ? EXIT.done : EXIT.refused)
      },
    ),
  )
}

/** Which gateway or store the commands reach, and whether its rows stand. */
function statusCommand(cli: Cli, program: Command): void {
  example(
    asking(
      program
        .command('status')
        .description(
          'what the commands reach: the running gateway, or the store; and whether file and store agree',
        ),
    ),
    'dragoman status',
  ).action((options: Common) =>
    withAdmin(
      cli,
      options,
      (admin) => admin.status({}),
      (status, session) => {
        if (options.json === true) printJson(cli, { ...status, answers: session.where === 'gateway' })
        else cli.out(textOfStatus(status, session))
        if (status.broken !== undefined) cli.exit(EXIT.refused)
      },
    ),
  )
}

function restore(cli: Cli, provider: Command): void {
  changing(
    example(
      provider
        .command('restore')
        .argument('<name>')
        .description('bring a shipped provider back, as it was shipped'),
      'dragoman provider restore Jabber',
    ),
  ).action((name: string, options: Changing) => change(cli, options, { do: 'restore', name }))
}

function grants(cli: Cli, policy: Command): void {
  for (const [verb, help] of [
    ['grant', 'give users this policy'],
    ['revoke', 'take this policy away from users'],
  ] as const) {
    changing(
      example(
        policy
          .command(verb)
          .argument('<name>', 'the policy')
          .argument('<address...>', 'the users')
          .description(help),
        `dragoman policy ${verb} staff romeo@sip.example benvolio@sip.example`,
      ),
    ).action((name: string, users: string[], options: Changing) =>
      change(cli, options, { do: verb, policy: name, users }),
    )
  }
}
