import { err, ok } from '../../kernel/result.ts'
import type { Fault, Form } from '../forms.ts'
import { objectOf } from '../objects.ts'
import { type Answer, problem } from '../problem.ts'
import type { PutRow, StoredList } from '../store.ts'
import type { Scene } from './plan.ts'

/** One row from its form; every wrong field is named. */
export function readRow(scene: Scene, list: StoredList, form: Form): Answer<PutRow> {
  const read = scene.forms.read({ [list]: [form] })
  if (!read.ok) {
    const prefix = `${list}[0]`
    return err(
      faulty(
        objectOf(list),
        read.error.map((fault) => ({ ...fault, path: within(fault.path, prefix) })),
      ),
    )
  }
  const [row] = read.value.rows[list]
  if (row === undefined) throw new Error(`${list}: a form was read and gave no row`)
  const secret = list === 'links' ? read.value.secrets.get((row as { name: string }).name) : undefined
  return ok({ do: 'put', list, row, ...(list === 'links' && { secret }) } as PutRow)
}

export function faulty(what: string, faults: readonly Fault[]): ReturnType<typeof problem> {
  const [first] = faults
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''
  const at = first === undefined || first.path === '' ? '' : `${first.path}: `
  return {
    ...problem('bad-request', `${what}: ${at}${first?.message ?? 'is wrong'}${more}`, first?.cure ?? ''),
    faults,
  }
}

const within = (path: string, prefix: string): string =>
  path.startsWith(prefix) ? path.slice(prefix.length).replace(/^\./, '') : path
