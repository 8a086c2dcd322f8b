import { expect, test } from 'vitest'
import { gatewayConfig } from '../../bench/gateway-config.ts'
import type { Transport } from '../../bench/load/run.ts'
import { providerGatewayConfig } from '../../bench/provider-config.ts'
import { writeProviderFiles } from '../../bench/provider-files.ts'
import { readConfig } from '../../src/config/read.ts'
import { tempDir } from '../support/temp.ts'

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

test.for(['udp', 'tcp', 'tls'] as const)('and between SIP and SIP, home over %s', async (transport) => {
  await using directory = await tempDir('bench')
  const files = writeProviderFiles(directory.path)
  const provider = {
    ...({ transport: 'tls', gatewayPort: 15061, connections: 1, trouble: 0, behaved: false } as const),
    ...{ files: files.provider, homeFiles: files.home, deafFiles: files.deaf },
  }
  const load = {
    ...({ direction: 'home-to-provider', transport, gatewayPort: 15060, provider } as const),
    ...{ conversations: 3, outstanding: 2, requestBytes: 600, warmUp: 0, seconds: 1 },
  }
  const ports = { xmppPort: 0, sipPort: 15070, providerPort: 15071, deafPort: 15072 }
  const text = providerGatewayConfig(load, ports, files, 15053)
  const config = readConfig(text, 'bench.yaml', {})
  expect(config.ok ? [] : config.error).toEqual([])
})
