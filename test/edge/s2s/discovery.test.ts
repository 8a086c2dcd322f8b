import { describe, expect, test } from 'vitest'
import { Discovery } from '../../../src/edge/s2s/discovery.ts'
import type { Domain } from '../../../src/kernel/domain.ts'
import { discovering, domain, served } from '../../federation/fixtures.ts'
import { fakeTime } from '../../kernel/fake-time.ts'
import { open } from '../support.ts'

const OWN = domain('sip.example')
const OTHER = domain('montague.example')

function bed({ s2s = true, answer = async (_domain: Domain): Promise<boolean | undefined> => true } = {}) {
  const time = fakeTime()
  const asked: Domain[] = []
  const snapshot = open({
    links: [{ kind: 's2s', name: 'internet', suspended: false }],
    servedDomains: [served({ links: s2s ? ['internet'] : [] })],
    providers: [],
    federation: discovering(),
  })
  const discovery = new Discovery({
    snapshot: () => snapshot,
    offersXmpp: (name) => {
      asked.push(name)
      return answer(name)
    },
    clock: time.clock,
  })
  return { time, asked, discovery }
}

describe('a domain that no row knows', () => {
  test('is spoken to over S2S where DNS has such a server', async () => {
    const { discovery, asked } = bed()
    expect(discovery.known(OWN, OTHER)).toBeUndefined()
    expect((await discovery.find(OWN, OTHER))?.name).toBe('internet')
    expect(discovery.known(OWN, OTHER)?.name).toBe('internet')
    expect(asked).toEqual([OTHER])
  })

  test('goes to SIP where DNS has none, and DNS is asked again after five minutes', async () => {
    const { discovery, asked, time } = bed({ answer: async () => false })
    expect(await discovery.find(OWN, OTHER)).toBeUndefined()
    expect(discovery.find(OWN, OTHER)).toBeUndefined()
    await time.pass(301_000)
    expect(await discovery.find(OWN, OTHER)).toBeUndefined()
    expect(asked).toHaveLength(2)
  })

  test('is asked for once, however many want to know', async () => {
    const { discovery, asked } = bed()
    await Promise.all([discovery.find(OWN, OTHER), discovery.find(OWN, OTHER)])
    expect(asked).toHaveLength(1)
  })

  test('is not asked for where our domain has no link for it', () => {
    const { discovery, asked } = bed({ s2s: false })
    expect(discovery.find(OWN, OTHER)).toBeUndefined()
    expect(asked).toEqual([])
  })

  test('goes to SIP while DNS fails, and DNS is asked again', async () => {
    let fails = true
    const { discovery } = bed({
      answer: async () => (fails ? undefined : true),
    })
    expect(await discovery.find(OWN, OTHER)).toBeUndefined()
    fails = false
    expect((await discovery.find(OWN, OTHER))?.name).toBe('internet')
  })

  test('that has spoken to us is spoken to in the same way', () => {
    const { discovery, asked } = bed()
    discovery.spoke(OTHER)
    expect(discovery.known(OWN, OTHER)?.name).toBe('internet')
    expect(asked).toEqual([])
  })
})
