import { userInfo } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Admin, Outcome } from '../admin/admin.ts'
import type { AdminProblem, Answer } from '../admin/problem.ts'
import type { ChangeSpec, RequestOf } from '../admin/requests.ts'
import { textOfOutcome } from './changes.ts'
import { EXIT, exitCodeOf, textOfAdminProblem } from './exit.ts'
import { openSession, type Session } from './session.ts'

/** The surroundings of a command. */
export interface Cli {
  readonly version: string
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly exit: (code: number) => void
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
  /** Runs the gateway until a signal ends it; resolves with the exit code. */
  readonly run: (config: string) => Promise<number>
}

export interface Common {
  readonly config: string
  readonly socket?: string
  readonly json?: boolean
}

export interface Changing extends Common {
  readonly as?: string
  readonly idempotent?: boolean
  readonly dryRun?: boolean
}

export const FILE = 'gateway.config.yaml'

export const configOption = (): Option =>
  new Option('-c, --config <file>', 'the configuration').default(FILE).env('DRAGOMAN_CONFIG')

export const jsonOption = (): Option => new Option('--json', 'for scripts')

export const example = (command: Command, ...lines: readonly string[]): Command =>
  command.addHelpText(
    'after',
    `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  ${line}`).join('\n')}`,
  )

/** Options of every command that asks administration. */
export const asking = (command: Command): Command =>
  command
    .addOption(configOption())
    .addOption(
      new Option('--socket <path>', 'the socket of the running gateway, whatever the configuration says').env(
        'DRAGOMAN_SOCKET',
      ),
    )
    .addOption(jsonOption())

/** Options of every command that changes something. */
export const changing = (command: Command): Command =>
  asking(command)
    .option('--as <name>', 'who asks, for the audit log (default: $SUDO_USER, $USER)')
    .option('--idempotent', 'no failure where everything is so already')
    .option('--dry-run', 'tell what would change, and change nothing')

export const actorOf = ({ env }: Cli, { as }: Changing): string =>
  as ?? [env.SUDO_USER, env.USER, env.LOGNAME].find(isSaid) ?? userInfo().username

/** A variable that is set to nothing names nobody. */
const isSaid = (value: string | undefined): boolean => value !== undefined && value !== ''

export const printJson = (cli: Cli, value: object): void => cli.out(`${JSON.stringify(value, null, 2)}\n`)

/** Opens administration, does the work, and ends with the exit code of its outcome. */
export async function withAdmin<T>(
  cli: Cli,
  options: Common,
  ask: (admin: Admin) => Promise<Answer<T>>,
  show: (value: T, session: Session) => void,
): Promise<void> {
  const notices: string[] = []
  const opened = await openSession({
    config: options.config,
    socket: options.socket,
    version: cli.version,
    // A script reads one JSON value from standard error, or nothing.
    tell: (text) => (options.json === true ? notices.push(text) : cli.err(`dragoman: ${text}\n`)),
  })
  if (!opened.ok) return fail(cli, options, opened.error, notices)
  await using session = opened.value
  const answer = await ask(session.admin)
  if (!answer.ok) return fail(cli, options, answer.error, notices)
  cli.exit(EXIT.done)
  show(answer.value, session)
}

export function fail(
  cli: Cli,
  { json }: Pick<Common, 'json'>,
  problem: AdminProblem,
  notices: readonly string[] = [],
): void {
  cli.exit(exitCodeOf(problem))
  const value = notices.length === 0 ? { problem } : { problem, notices }
  cli.err(json === true ? `${JSON.stringify(value, null, 2)}\n` : textOfAdminProblem(problem))
}

/** One change, with its outcome told. */
export const change = (cli: Cli, options: Changing, spec: ChangeRequestSpec): Promise<void> =>
  withAdmin(
    cli,
    options,
    (admin) =>
      admin.change({
        as: actorOf(cli, options),
        change: spec,
        idempotent: options.idempotent === true,
        dryRun: options.dryRun === true,
      }),
    (outcome, session) => showOutcome(cli, options, outcome, session),
  )

export type ChangeRequestSpec = RequestOf<'change'>['change']

export function showOutcome(cli: Cli, options: Changing, outcome: Outcome, { where }: Session): void {
  if (options.json === true) printJson(cli, outcome)
  else cli.out(textOfOutcome(outcome, where === 'gateway' ? ', in force' : IN_STORE))
}

const IN_STORE = ' in the store: a gateway that runs acts on it within a second, another when it starts'

/** `a,b --domain c`: every value of an option that may be given more than once. */
export const collect = (text: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  ...text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
]

export function onOff(text: string): boolean {
  if (['on', 'yes', 'true'].includes(text)) return true
  if (['off', 'no', 'false'].includes(text)) return false
  throw new InvalidArgumentError('Write on or off.')
}

export function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Write a whole number.')
  return Number(text)
}

export type { ChangeSpec }
