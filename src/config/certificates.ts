import { z } from 'zod'
import { name, path } from './scalars.ts'

/** The sections `sip.tls` and `xmpp.tls`: what we show, and whom we believe. */
export const certificates = z.strictObject({
  certificates: z
    .array(
      z.strictObject({
        name: name('unique'),
        cert: path('PEM file: the certificate, then those of the authorities in between'),
        key: path('PEM file: its private key, without a passphrase'),
      }),
    )
    .min(1)
    .describe('our certificates; SNI chooses among them'),
  ca: path('PEM file of the authorities whose certificates are believed').optional(),
})

export type Certificates = z.output<typeof certificates>
