import { err, ok, type Result } from '../kernel/result.ts'
import { param, paramsText, parseParams, unquote } from './scan.ts'
import type { Params } from './uri.ts'

/** RFC 3261 §20.15, RFC 2045 §5.1. */
export interface MediaType {
  /** Lower case. */
  readonly type: string
  /** Lower case. */
  readonly subtype: string
  readonly params: Params
}

const TYPE = /^[ \t]*([A-Za-z0-9\-.!%*_+`'~]+)[ \t]*\/[ \t]*([A-Za-z0-9\-.!%*_+`'~]+)[ \t]*(?=;|$)/

export function parseContentType(value: string): Result<MediaType, 'bad-content-type'> {
  const match = TYPE.exec(value)
  if (match === null) return err('bad-content-type')
  const params = parseParams(value, match[0].length)
  if (params === undefined) return err('bad-content-type')
  return ok({
    type: (match[1] as string).toLowerCase(),
    subtype: (match[2] as string).toLowerCase(),
    params,
  })
}

/** The charset parameter, unquoted and in lower case. */
export function charsetOf(media: MediaType): string | undefined {
  const value = param(media.params, 'charset')
  return value === undefined ? undefined : unquote(value).toLowerCase()
}

export const contentTypeText = (media: MediaType): string =>
  `${media.type}/${media.subtype}${paramsText(media.params)}`
