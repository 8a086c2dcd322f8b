import { type Document, LineCounter, parseDocument, visit } from 'yaml'
import { err, ok, type Result } from '../kernel/result.ts'
import type { ConfigProblem } from './problem.ts'

/** A configuration file's text read as YAML, with the way back to its lines. */
export interface YamlText {
  readonly document: Document
  readonly lines: LineCounter
  readonly value: unknown
}

const LARGEST = 16 * 1024 * 1024
/** What aliases may multiply to ("billion laughs"). */
const ALIASES = 100

const ANCHOR = 'write the anchor before the alias, or the value itself'

const CURES: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'keep one of the two',
  TAB_AS_INDENT: 'indent with spaces',
  MULTIPLE_DOCS: 'keep one document; remove what follows ---',
  BAD_ALIAS: ANCHOR,
  TAG_RESOLVE_FAILED: 'remove the tag',
  MULTILINE_IMPLICIT_KEY: 'look for a missing colon or quote here or on the line above',
  BAD_INDENT: 'put the line in one column with its neighbours',
  MISSING_CHAR: 'close the quote or bracket, or add the colon',
}

/** @param instead what a person can do about a file that is too large */
export function readYaml(
  text: string,
  file: string,
  instead = 'keep large tables in the store',
): Result<YamlText, ConfigProblem[]> {
  const at = (line: number, column: number, message: string, cure: string): ConfigProblem => ({
    file,
    line,
    column,
    path: '',
    message,
    cure,
  })
  if (text.length > LARGEST) {
    return err([at(1, 1, 'the file is larger than 16 MiB', instead)])
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false })
  const faults = [...document.errors, ...document.warnings]
  if (faults.length > 0) {
    return err(
      faults.map((fault) => {
        const { line, col } = lines.linePos(fault.pos[0])
        return at(line, col, fault.message, CURES[fault.code] ?? 'correct the YAML here')
      }),
    )
  }
  const dangling: ConfigProblem[] = []
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return
      const { line, col } = lines.linePos(alias.range?.[0] ?? 0)
      dangling.push(at(line, col, `alias *${alias.source} has no anchor`, ANCHOR))
    },
  })
  if (dangling.length > 0) return err(dangling)
  try {
    return ok({ document, lines, value: document.toJS({ maxAliasCount: ALIASES }) })
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error
    return err([at(1, 1, 'the aliases multiply without measure', 'write the values out')])
  }
}
