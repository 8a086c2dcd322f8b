import { expect, test } from 'vitest'
import { JULIET, logIn, ROMEO, SECRET } from '../support/bed.ts'
import { startDragoman } from '../support/dragoman.ts'
import { freePort } from '../support/ports.ts'
import { startProsody } from '../support/prosody.ts'
import { startSipUserAgent } from '../support/sip-user-agent.ts'
import { topologyConfig } from '../support/topology.ts'

test.for(['udp', 'tcp'] as const)('SIP over IPv6 and %s, both ways', async (transport) => {
  await using prosody = await startProsody({
    host: 'xmpp.example',
    users: [{ name: 'juliet', password: 'balcony' }],
    components: [{ domain: 'sip.example', secret: SECRET }],
  })
  await using romeo = await startSipUserAgent({ uri: `sip:${ROMEO}`, address: '::1' })
  const port = await freePort()
  const config = topologyConfig({
    listeners: (['udp', 'tcp'] as const).map((each) => ({ transport: each, address: '::1', port })),
    nextHop: `sip:[::1]:${romeo.port};transport=${transport}`,
    addresses: ['0:0:0:0:0:0:0:1'],
    served: { 'sip.example': ['link'] },
    links: [{ name: 'link', port: prosody.componentPort, domain: 'sip.example', remote: 'xmpp.example' }],
  })
  await using _gateway = await startDragoman({ config, env: { LINK: SECRET } })
  await prosody.line(/External component successfully authenticated/)
  await using juliet = await logIn(prosody)

  await juliet.message({ to: ROMEO, body: 'six' })
  const received = await romeo.messages.next()
  expect(received).toMatchObject({ transport, body: 'six' })
  expect(received.headers('via')[0]).toContain(`[::1]:${port}`)
  const nextHop = { host: '::1', port, transport }
  expect((await romeo.message({ to: `sip:${JULIET}`, body: 'and back', nextHop })).status).toBe(200)
  expect((await juliet.nextMessage()).getChildText('body')).toBe('and back')
  expect(romeo.errors).toEqual([])
})
