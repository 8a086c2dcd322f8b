import { describe, expect, test } from 'vitest'
import { federatedWith, JULIET, ROMEO } from '../support/s2s-bed.ts'

const OVER_TLS = { tls: 'required', sasl: 'optional', dialback: true } as const

describe.each(['prosody', 'ejabberd'] as const)('%s', (server) => {
  test.each([
    [
      'SASL EXTERNAL over STARTTLS',
      { secure: 'certificate' },
      { certificate: 'match', dialback: 'not-tried', tls: true },
    ],
    [
      'SASL EXTERNAL over direct TLS',
      { secure: 'certificate', directTls: true },
      { certificate: 'match', dialback: 'not-tried', tls: true },
    ],
    [
      'dialback over TLS',
      { secure: 'dialback-tls' },
      { certificate: 'mismatch', dialback: 'valid', tls: true },
    ],
    ['dialback in clear', { secure: 'clear' }, { certificate: 'absent', dialback: 'valid', tls: false }],
  ] as const)('messages both ways by %s', async (_, mode, proof) => {
    const negotiation =
      mode.secure === 'clear' ? { tls: 'optional', sasl: 'optional', dialback: true } : OVER_TLS
    await federatedWith(
      { server, ...mode, provider: { negotiation } },
      async ({ gateway, romeo, juliet }) => {
        await juliet.message({ to: ROMEO, body: 'art thou not Romeo?' })
        expect((await romeo.messages.next()).body).toBe('art thou not Romeo?')
        expect(
          await gateway.log.next(
            ({ msg, direction }) => msg === 'a stream between servers is proved' && direction === 'in',
          ),
        ).toMatchObject({ proof })

        const sent = await romeo.message({ to: `sip:${JULIET}`, body: 'neither, fair maid' })
        expect(sent.status).toBe(200)
        expect((await juliet.nextMessage()).getChildText('body')).toBe('neither, fair maid')
      },
    )
  })
})
