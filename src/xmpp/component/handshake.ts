import { createHash } from 'node:crypto'

/** XEP-0114 §3: lower-case hex of SHA1(stream id + secret), both as UTF-8, the id after XML unescaping. */
export const handshakeValue = (streamId: string, secret: string): string =>
  createHash('sha1').update(streamId, 'utf8').update(secret, 'utf8').digest('hex')
