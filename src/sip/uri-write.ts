import { paramsText } from './scan.ts'
import type { Uri } from './uri.ts'

/** The URI as it goes on the wire, without angle brackets. */
export function uriText(uri: Uri): string {
  switch (uri.scheme) {
    case 'sip':
    case 'sips': {
      let text = `${uri.scheme}:`
      if (uri.user !== undefined)
        text += uri.password === undefined ? `${uri.user}@` : `${uri.user}:${uri.password}@`
      text += uri.host
      if (uri.port !== undefined) text += `:${uri.port}`
      if (uri.params.length > 0) text += paramsText(uri.params)
      return uri.headers === undefined ? text : `${text}?${uri.headers}`
    }
    case 'im':
    case 'pres':
      return `${uri.scheme}:${uri.user}@${uri.host}`
    case 'tel':
      return `tel:${uri.number}${paramsText(uri.params)}`
    case 'other':
      return uri.text
  }
}
