import { expect, test } from 'vitest'
import { gatewayConfig } from '../../bench/gateway-config.ts'
import type { Transport } from '../../bench/load/run.ts'
import { readConfig } from '../../src/config/read.ts'

test.for(['udp', 'tcp'] as const)('the gateway takes the configuration for %s', (transport: Transport) => {
  const text = gatewayConfig(
    {
      direction: 'xmpp-to-sip',
      transport,
      gatewayPort: 15060,
      conversations: 3,
      outstanding: 2,
      requestBytes: 600,
      warmUp: 0,
      seconds: 1,
    },
    15347,
    15070,
  )
  const config = readConfig(text, 'bench.yaml', { DRAGOMAN_BENCH_SECRET: 'bench' })
  expect(config.ok ? [] : config.error).toEqual([])
})
