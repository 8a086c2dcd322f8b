import { z } from 'zod'
import type { Path } from './problem.ts'
import { fileSchema } from './schema.ts'

/** A node of the JSON Schema, as far as it is read here. */
export interface SchemaNode {
  readonly description?: string
  readonly type?: string
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
}

let made: SchemaNode | undefined

/** The JSON Schema (2020-12) of the configuration file, for editors. */
export function jsonSchema(): SchemaNode {
  made ??= {
    title: 'Dragoman gateway configuration',
    ...z.toJSONSchema(fileSchema, { io: 'input' }),
  } as SchemaNode
  return made
}

/** The nodes that may describe what stands at a path. */
export function nodesAt(path: Path): readonly SchemaNode[] {
  return path.reduce<readonly SchemaNode[]>(
    (nodes, part) =>
      nodes
        .flatMap((node) => [node, ...(node.anyOf ?? [])])
        .flatMap((node) => {
          const next = typeof part === 'number' ? node.items : node.properties?.[part]
          return next === undefined ? [] : [next]
        }),
    [jsonSchema()],
  )
}

/** The keys that may stand in the section at a path. */
export const keysAt = (path: Path): readonly string[] =>
  nodesAt(path)
    .flatMap((node) => [node, ...(node.anyOf ?? [])])
    .flatMap((node) => Object.keys(node.properties ?? {}))

export const descriptionAt = (path: Path): string | undefined =>
  nodesAt(path).find((node) => node.description !== undefined)?.description
