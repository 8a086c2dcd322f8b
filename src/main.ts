#!/usr/bin/env node
import { Command, Option } from 'commander'
import { explain } from './admin/explain.ts'
import { jsonOfCheck, textOfCheck } from './cli/check.ts'
import { requestFrom, textOfExplanation } from './cli/explain.ts'
import { loadConfig } from './config/load.ts'
import { textOfProblem } from './config/problem.ts'
import { REQUEST_KINDS } from './federation/request.ts'
import { run } from './run.ts'
import { VERSION } from './version.ts'

const FILE = 'gateway.config.yaml'

const fileOption = (): Option =>
  new Option('-c, --config <file>', 'the configuration').default(FILE).env('DRAGOMAN_CONFIG')
const print = (text: string): void => {
  process.stdout.write(text)
}
const printJson = (value: object): void => print(`${JSON.stringify(value, null, 2)}\n`)

// Whoever reads only the beginning (`dragoman explain … | head -1`) closes the pipe; that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

const program = new Command('dragoman')
  .description('XMPP to SIP federation gateway under rules that an administrator understands')
  .version(VERSION)
  .showHelpAfterError()

program
  .command('run')
  .description(
    'run the gateway until SIGTERM; SIGHUP reads the configuration again, SIGUSR2 logs the counters',
  )
  .addOption(fileOption())
  .action(async ({ config }: { config: string }) => {
    process.exit(await run(config))
  })

program
  .command('check')
  .description('check a configuration without starting; exit code 1 if something is wrong')
  .addOption(fileOption())
  .option('--json', 'for scripts')
  .addHelpText('after', `\nExample:\n  dragoman check --config /etc/dragoman/${FILE}`)
  .action(({ config, json }: { config: string; json?: boolean }) => {
    const checked = loadConfig(config, process.env)
    if (json) printJson(jsonOfCheck(config, checked))
    else print(textOfCheck(config, checked))
    process.exitCode = checked.ok ? 0 : 1
  })

program
  .command('explain')
  .description('tell whether a request would cross, and why; exit code 0 if it would, 3 if it is refused')
  .requiredOption('--from <address>', 'the sender: user@domain or sip:user@domain')
  .requiredOption('--to <address>', 'the recipient')
  .addOption(new Option('--kind <kind>', 'kind of request').choices(REQUEST_KINDS).default('message'))
  .addOption(fileOption())
  .option('--json', 'for scripts')
  .addHelpText(
    'after',
    '\nExample:\n  dragoman explain --from juliet@xmpp.example --to sip:romeo@sip.example --kind message',
  )
  .action((options: { from: string; to: string; kind: string; config: string; json?: boolean }) => {
    const request = requestFrom(options)
    if (!request.ok) {
      process.stderr.write(`dragoman: ${request.error}\n`)
      process.exitCode = 2
      return
    }
    const checked = loadConfig(options.config, process.env)
    if (!checked.ok) {
      for (const problem of checked.error) process.stderr.write(`${textOfProblem(problem)}\n`)
      process.exitCode = 1
      return
    }
    const explained = explain(checked.value.federation, request.value, Date.now())
    if (options.json) printJson(explained)
    else print(textOfExplanation(explained))
    process.exitCode = explained.verdict.outcome === 'deliver' ? 0 : 3
  })

await program.parseAsync()
