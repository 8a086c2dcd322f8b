import { err, ok, type Result } from '../kernel/result.ts'
import { findingsOf } from './explain-issue.ts'
import { homeFindings, providerFindings } from './federation-rows.ts'
import { readText } from './load.ts'
import { positionOf } from './positions.ts'
import { type Path, textOfPath, textOfProblem } from './problem.ts'
import { fileSchema } from './schema.ts'
import { readYaml } from './yaml-text.ts'

const schema = fileSchema.pick({ federation: true })

/**
 * A file with the section `federation:` alone, checked as far as that goes without other rows. Standard input is `-`.
 * @returns the section as it stands there, or lines on what is wrong and where
 */
export function readSection(file: string): Result<object, readonly string[]> {
  const text = readText(file === '-' ? '/dev/stdin' : file)
  if (!text.ok) return err(text.error.map(textOfProblem))
  const yaml = readYaml(text.value, file, 'apply it in parts, users and contacts apart, without --prune')
  if (!yaml.ok) return err(yaml.error.map(textOfProblem))
  const { document, lines, value } = yaml.value
  const line = (path: Path, message: string, cure: string, onKey = false): string =>
    textOfProblem({
      file,
      ...positionOf(document, lines, path, onKey),
      path: textOfPath(path),
      message,
      cure,
    })
  if (value !== null && value !== undefined && (typeof value !== 'object' || Array.isArray(value))) {
    return err([line([], 'must be a section, not text or a list', 'begin it with federation:')])
  }
  const others = Object.keys(value ?? {}).filter((key) => key !== 'federation')
  if (others.length > 0) {
    const cure = 'remove it: only the section federation: is read here'
    return err(others.map((key) => line([key], 'does not belong into the store', cure, true)))
  }
  const parsed = schema.safeParse(value ?? {}, { reportInput: false })
  if (!parsed.success) {
    return err(
      parsed.error.issues
        .flatMap((issue) => findingsOf(issue, value))
        .map(({ path, message, cure, onKey }) => line(path, message, cure, onKey)),
    )
  }
  const found = [...homeFindings(parsed.data.federation), ...providerFindings(parsed.data.federation)]
  if (found.length > 0) return err(found.map(({ path, message, cure }) => line(path, message, cure)))
  return ok((value as { readonly federation: object }).federation)
}
