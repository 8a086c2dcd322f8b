import type { Conflict, RowRef, Warning } from '../federation/conflicts.ts'
import { snapshotFrom } from '../federation/from-sources.ts'
import type { SecretPlace } from '../federation/model.ts'
import { EMPTY_STORE, type SourceRows, type StoreRows } from '../federation/sources.ts'
import { type Clock, systemClock } from '../kernel/clock.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { atOnce, type Steps } from '../kernel/turns.ts'
import type { Config } from './config.ts'
import { findingsOf } from './explain-issue.ts'
import { homeFindings, providerFindings, type RowFinding, rowsOf } from './federation-rows.ts'
import { presenceFindings } from './interworking.ts'
import { listenerFindings } from './listeners.ts'
import { positionOf } from './positions.ts'
import { type ConfigProblem, type Path, textOfPath } from './problem.ts'
import { s2sDoubts, s2sFindings } from './s2s.ts'
import { type FileValues, fileSchema } from './schema.ts'
import { type Environment, readSecret } from './secrets.ts'
import { storeFindings } from './store-place.ts'
import { readTls, type TlsRead, type TlsSection, tlsFindings } from './tls.ts'
import { readYaml, type YamlText } from './yaml-text.ts'

/**
 * Reads and checks a configuration: all of it or nothing. Of the surroundings only `env` and the files of secrets, keys and
 * certificates are read.
 * @param file its path: named in problems, and where relative secret files start from
 * @param env undefined: secrets, keys and certificates are not read, for whoever has no use for them
 * @param store the rows that are put together with those of the file
 * @param clock tells which certificates have expired
 */
export const readConfig = (...source: ConfigSource): Result<Config, readonly ConfigProblem[]> =>
  atOnce(readConfigSteps(...source))

type ConfigSource = Parameters<typeof readConfigSteps>

/** As `readConfig`, in steps: the store may hold very many rows. */
export function* readConfigSteps(
  text: string,
  file: string,
  env: Environment | undefined,
  store: StoreRows = EMPTY_STORE,
  clock: Clock = systemClock,
): Steps<Result<Config, readonly ConfigProblem[]>> {
  const yaml = readYaml(text, file)
  if (!yaml.ok) return yaml
  const problem = problemsIn(yaml.value, file)

  const parsed = fileSchema.safeParse(yaml.value.value ?? {}, { reportInput: false })
  if (!parsed.success) {
    return err(
      inOrder(
        parsed.error.issues
          .flatMap((issue) => findingsOf(issue, yaml.value.value))
          .map(({ path, message, cure, onKey }) => problem(path, message, cure, onKey)),
      ),
    )
  }

  const { federation, ...rest } = parsed.data
  const at = ({ path, message, cure }: RowFinding): ConfigProblem => problem(path, message, cure)
  const found = [
    ...listenerFindings(rest.sip.listeners),
    ...tlsFindings(rest.sip, federation.homes),
    ...s2sFindings(rest.xmpp, rest.sip.listeners),
    ...presenceFindings(rest.presence),
    ...storeFindings(rest),
    ...homeFindings(federation),
    ...providerFindings(federation),
  ].map(at)
  const secrets = secretsOf(parsed.data, file, env, problem)
  const read = (section: TlsSection): TlsRead =>
    env === undefined ? UNREAD : readTls(rest[section].tls, section, file, clock.wall())
  const tls = read('sip')
  const xmppTls = read('xmpp')
  found.push(...secrets.problems, ...[...tls.problems, ...xmppTls.problems].map(at))
  if (providerFindings(federation).length > 0) return err(inOrder(found))

  const written = (yaml.value.value as Readonly<Record<string, unknown>>).federation
  const rows = rowsOf(federation, written)
  yield
  const snapshot = yield* snapshotFrom(rows, store)
  const inFile = (each: Conflict | Warning): ConfigProblem => problemOf(each, rows, problem)
  if (!snapshot.ok) found.push(...snapshot.error.map(inFile))
  if (!snapshot.ok || found.length > 0) return err(inOrder(found))
  const whole = rest.store === undefined || store !== EMPTY_STORE
  const doubts = s2sDoubts(rest.xmpp, snapshot.value, xmppTls.material, whole)
  return ok(
    Object.freeze({
      ...rest,
      file,
      federation: snapshot.value,
      rows,
      warnings: inOrder([
        ...snapshot.value.warnings.map(inFile),
        ...[...tls.warnings, ...xmppTls.warnings, ...doubts].map(at),
      ]),
      linkSecrets: secrets.links,
      homePasswords: secrets.homes,
      dialbackSecret: secrets.dialback,
      tlsMaterial: tls.material,
      xmppTlsMaterial: xmppTls.material,
    }) satisfies Config,
  )
}

const UNREAD: TlsRead = { material: undefined, problems: [], warnings: [] }

type Problem = (path: Path, message: string, cure: string, onKey?: boolean) => ConfigProblem

const problemsIn =
  (yaml: YamlText, file: string): Problem =>
  (path, message, cure, onKey = false) => ({
    file,
    ...positionOf(yaml.document, yaml.lines, path, onKey),
    path: textOfPath(path),
    message,
    cure,
  })

const inOrder = (problems: readonly ConfigProblem[]): ConfigProblem[] =>
  [...problems].sort((a, b) => a.line - b.line || a.column - b.column)

/** At the row of the file that is concerned; what concerns rows of the store alone is put at the section. */
function problemOf(
  { rows, message, cure }: Conflict | Warning,
  file: SourceRows,
  problem: Problem,
): ConfigProblem {
  const [first, second] = rows.filter((row) => row.index < file[row.list].length)
  if (first === undefined) return problem(['federation'], `${message} (not in this file)`, cure)
  const other = second === undefined ? '' : ` (the other: line ${problem(pathOf(second), '', '').line})`
  return problem(pathOf(first), message + other, cure)
}

/** `domains[1]` of the third provider is `federation.providers[2].domains[1]`. */
function pathOf(row: RowRef): Path {
  const path: (string | number)[] = ['federation', row.list, row.index]
  const field = row.field === undefined ? null : /^(\w+)(?:\[(\d+)\])?$/.exec(row.field)
  if (field?.[1] !== undefined) path.push(field[1])
  if (field?.[2] !== undefined) path.push(Number(field[2]))
  return path
}

interface Secrets {
  readonly links: ReadonlyMap<string, string>
  readonly homes: ReadonlyMap<string, string>
  readonly dialback: string | undefined
  readonly problems: readonly ConfigProblem[]
}

function secretsOf(
  { federation, xmpp }: Pick<FileValues, 'federation' | 'xmpp'>,
  file: string,
  env: Environment | undefined,
  problem: Problem,
): Secrets {
  const links = new Map<string, string>()
  const homes = new Map<string, string>()
  const problems: ConfigProblem[] = []
  if (env === undefined) return { links, homes, dialback: undefined, problems }
  const secretAt = (place: SecretPlace, path: Path): string | undefined => {
    const secret = readSecret(place, file, env)
    if (secret.ok) return secret.value
    problems.push(problem(path, secret.error.message, secret.error.cure))
    return undefined
  }
  const read = (into: Map<string, string>, name: string, place: SecretPlace, path: Path): void => {
    const value = secretAt(place, path)
    if (value !== undefined) into.set(name, value)
  }
  federation.links.forEach((link, index) => {
    if (link.kind === 'component')
      read(links, link.name, link.secret, ['federation', 'links', index, 'secret'])
  })
  federation.homes.forEach(({ name, credentials }, index) => {
    if (credentials === undefined) return
    read(homes, name, credentials.password, ['federation', 'homes', index, 'credentials', 'password'])
  })
  const place = xmpp.s2s.dialbackSecret
  const dialback = place && secretAt(place, ['xmpp', 's2s', 'dialbackSecret'])
  return { links, homes, dialback, problems }
}
