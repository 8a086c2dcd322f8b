import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Form } from '../admin/forms.ts'
import type { Json } from '../admin/store.ts'
import { nearest } from '../kernel/nearest.ts'
import { collect, count, onOff } from './cli.ts'

/** A key of a row as an option of `add` and `set`. */
export interface Field {
  /** `verification` is the option `--verification`. */
  readonly option: string
  /** What stands for the value in the help. */
  readonly value: string
  readonly help: string
  /** Where it stands in the form: `limits.contacts`. */
  readonly key: string
  readonly kind: 'text' | 'switch' | 'count' | 'list'
  readonly choices?: readonly string[]
  /** Makes the value of the form from what was written. */
  readonly make?: (value: Json) => Json
  /** Of `add` alone: what it says cannot be changed. */
  readonly adding?: boolean
}

export type Options = Readonly<Record<string, unknown>>

const PARSE = {
  switch: onOff,
  count,
  list: collect,
} as const

export function addFields(command: Command, fields: readonly Field[], setting: boolean): void {
  for (const field of fields) {
    if (setting && field.adding === true) continue
    command.addOption(optionOf(field.option, field, field.help))
    if (!setting || field.kind !== 'list' || field.make !== undefined) continue
    command.addOption(optionOf(`add-${field.option}`, field, `adds to: ${field.help}`))
    command.addOption(optionOf(`drop-${field.option}`, field, `takes away from: ${field.help}`))
  }
}

/** The keys of `--unset`: those of the fields, and the sections that they are in. */
export function unsetOption(fields: readonly Field[]): Option {
  const keys = new Set(
    fields
      .filter(({ adding }) => adding !== true)
      .flatMap(({ key }) => [key, ...(key.includes('.') ? [key.split('.')[0] ?? ''] : [])]),
  )
  const parse = (text: string, before: readonly string[] | undefined): readonly string[] => {
    const named = collect(text, before)
    const strange = named.find((key) => !keys.has(key))
    if (strange !== undefined) {
      const meant = nearest(strange, [...keys])
      throw new InvalidArgumentError(
        meant === undefined ? `The keys are ${[...keys].join(', ')}.` : `Did you mean ${meant}?`,
      )
    }
    return named
  }
  return new Option('--unset <keys>', 'take keys away: description,limits.contacts').argParser(parse)
}

function optionOf(name: string, { value, kind, choices, make }: Field, help: string): Option {
  const option = new Option(`--${name} <${value}>`, help)
  const parse = kind === 'text' ? checkedBy(make) : PARSE[kind]
  if (choices !== undefined) option.choices(choices)
  else option.argParser(parse as (text: string, before: unknown) => unknown)
  return option
}

/** What `make` has to say is said while the command line is read. */
const checkedBy =
  (make: Field['make']) =>
  (text: string): string => {
    make?.(text)
    return text
  }

/** As commander names the value of `--access-edge`. */
const camel = (option: string): string =>
  option.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

/** The form that the options of a command line come to. */
export function formOf(fields: readonly Field[], options: Options): Form {
  const form: Record<string, Json> = {}
  for (const field of fields) {
    const value = options[camel(field.option)] as Json | undefined
    if (value === undefined) continue
    put(form, field.key, field.make === undefined ? value : field.make(value))
  }
  return form
}

/** With `--unset KEY`, which takes a key away. */
export function changesOf(
  fields: readonly Field[],
  options: Options,
): { readonly fields: Form; readonly add?: Members; readonly drop?: Members } {
  const form = { ...formOf(fields, options) } as Record<string, Json>
  for (const key of (options.unset as readonly string[] | undefined) ?? []) put(form, key, null)
  const add = membersOf(fields, options, 'add')
  const drop = membersOf(fields, options, 'drop')
  return { fields: form, ...(add !== undefined && { add }), ...(drop !== undefined && { drop }) }
}

type Members = Record<string, string[]>

function membersOf(fields: readonly Field[], options: Options, verb: string): Members | undefined {
  const members = fields.flatMap((field): [string, string[]][] => {
    const value = options[camel(`${verb}-${field.option}`)] as readonly string[] | undefined
    return value === undefined ? [] : [[field.key, [...value]]]
  })
  return members.length === 0 ? undefined : Object.fromEntries(members)
}

function put(form: Record<string, Json>, key: string, value: Json): void {
  const path = key.split('.')
  const last = path.pop() ?? key
  let section = form
  for (const part of path) {
    section[part] ??= {}
    section = section[part] as Record<string, Json>
  }
  section[last] = value
}

/** `any`, or domains. */
export const anyOrList = (value: Json): Json =>
  Array.isArray(value) && value.length === 1 && value[0] === 'any' ? 'any' : value

/** `straight`, `escaped`, or `corp.example=sip.corp.example`. */
export function addressing(value: Json): Json {
  const [sip, xmpp, more] = String(value).split('=')
  if (xmpp === undefined) return value
  if (more !== undefined)
    throw new InvalidArgumentError('Write straight, escaped, or SIP-DOMAIN=XMPP-DOMAIN.')
  return { sip: sip ?? '', xmpp }
}

const SERVER = /^(?:\[([^\]]+)\]|([^:[\]]+)|([^[\]]+:[^[\]]+:[^[\]]*))(?::(\d{1,5}))?$/

/** `HOST`, `HOST:PORT`, `[2001:db8::1]:PORT`. Without a port it is the usual one again, whatever it was before. */
export function serverPlace(value: Json): Json {
  const found = SERVER.exec(String(value))
  if (found === null) throw new InvalidArgumentError('Write HOST or HOST:PORT.')
  const [, bracketed, name, bare, port] = found
  return { host: bracketed ?? name ?? bare ?? '', port: Number(port ?? 5269) }
}
