import { Argument, type Command } from 'commander'
import { type Cli, example } from './cli.ts'

/** One command of the tree: `provider set`, with what may follow it. */
export interface Words {
  /** Without `dragoman`; empty for the top. */
  readonly path: string
  readonly commands: readonly string[]
  readonly options: readonly string[]
}

const isHidden = (command: Command): boolean => (command as Command & { _hidden?: boolean })._hidden === true

/** Every command that a person is shown, with its subcommands and options. */
export function wordsOf(command: Command, path = ''): readonly Words[] {
  const shown = command.commands.filter((each) => !isHidden(each))
  const options = command.options.filter((each) => !each.hidden).flatMap((each) => each.long ?? [])
  const own = { path, commands: shown.map((each) => each.name()), options: [...options, '--help'] }
  return [own, ...shown.flatMap((each) => wordsOf(each, `${path} ${each.name()}`.trim()))]
}

const SHELLS = ['bash', 'zsh', 'fish'] as const

type Shell = (typeof SHELLS)[number]

const SCRIPTS: Readonly<Record<Shell, (words: readonly Words[]) => string>> = { bash, zsh, fish }

/** `dragoman completion bash|zsh|fish`: a script for the shell, on standard output. */
export function completionCommand(cli: Cli, program: Command): void {
  example(
    program
      .command('completion')
      .addArgument(new Argument('<shell>').choices(SHELLS))
      .description('a script that completes commands and options in a shell'),
    'dragoman completion bash > /etc/bash_completion.d/dragoman',
    'dragoman completion zsh > ~/.zfunc/_dragoman',
    'dragoman completion fish > ~/.config/fish/completions/dragoman.fish',
  ).action((shell: Shell) => cli.out(SCRIPTS[shell](wordsOf(program))))
}

const cases = (words: readonly Words[]): string =>
  words
    .map(({ path, commands, options }) => `    '${path}') words='${[...commands, ...options].join(' ')}' ;;`)
    .join('\n')

/** The words before the cursor that are commands, then what may follow them. */
const lookUp = (words: readonly Words[]): string => `  case "$path" in
${cases(words)}
    *) words='' ;;
  esac`

const known = (words: readonly Words[]): string =>
  words
    .filter(({ path }) => path !== '')
    .map(({ path }) => `'${path}'`)
    .join('|')

function bash(words: readonly Words[]): string {
  return `# bash completion for dragoman
_dragoman() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" path='' words='' word next
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next="\${path:+$path }$word"
    case "$next" in
      ${known(words)}) path="$next" ;;
    esac
  done
${lookUp(words)}
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -o default -F _dragoman dragoman
`
}

function zsh(words: readonly Words[]): string {
  return `#compdef dragoman
_dragoman() {
  local at='' choice='' word next
  for word in "\${(@)words[2,CURRENT-1]}"; do
    next="\${at:+$at }$word"
    case "$next" in
      ${known(words)}) at="$next" ;;
    esac
  done
${lookUp(words).replaceAll('"$path"', '"$at"').replaceAll('words=', 'choice=')}
  compadd -- \${=choice}
  _files
}
# Loaded by the shell on first use, or sourced.
if [ "$funcstack[1]" = _dragoman ]; then _dragoman "$@"; else compdef _dragoman dragoman; fi
`
}

function fish(words: readonly Words[]): string {
  const lines = words.flatMap(({ path, commands, options }) => {
    const when = `__dragoman_at '${path}'`
    return [
      ...(commands.length === 0 ? [] : [`complete -c dragoman -f -n "${when}" -a '${commands.join(' ')}'`]),
      ...options.map((option) => `complete -c dragoman -n "${when}" -l ${option.slice(2)}`),
    ]
  })
  return `# fish completion for dragoman
function __dragoman_at
  set -l path
  for word in (commandline -opc)[2..]
    set -l next (string trim "$path $word")
    contains -- "$next" ${words
      .filter(({ path }) => path !== '')
      .map(({ path }) => `'${path}'`)
      .join(' ')}; and set path $next
  end
  test "$path" = "$argv[1]"
end
${lines.join('\n')}
`
}
